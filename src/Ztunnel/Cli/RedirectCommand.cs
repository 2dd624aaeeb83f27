using Redirection;
using Redirection.Rules;

namespace Ztunnel.Cli;

/// <summary>
/// <c>ztunnel redirect</c>: the rules that Istio's CNI agent would write into a pod, for machines without one.
/// </summary>
internal static class RedirectCommand
{
    /// <summary>Runs it.</summary>
    /// <param name="arguments">What follows <c>redirect</c>.</param>
    /// <param name="output">Gets what <c>show</c> prints.</param>
    /// <param name="error">Gets one line on what is wrong.</param>
    /// <param name="cancellationToken">Ends a tool that runs; a table of rules is changed as a whole or not at all.</param>
    /// <returns>Exit code: 0 if it worked.</returns>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        try
        {
            var options = RedirectOptions.Parse(arguments, warning => error.WriteLine($"warning: {warning}"));
            using var netns = Netns.Open(options.Netns);
            var applier = new InPodRulesApplier(netns, options.Backend);
            await (options.Action switch
            {
                RedirectAction.Apply => applier.ApplyAsync(options.Rules, cancellationToken),
                RedirectAction.Remove => applier.RemoveAsync(cancellationToken),
                _ => ShowAsync(options, applier, output, cancellationToken),
            });
            return 0;
        }
        catch (Exception e) when (e is UsageException or ToolException or IOException)
        {
            await error.WriteLineAsync(e.Message);
            return 1;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await error.WriteLineAsync("stopped; 'ztunnel redirect show' tells what is in place");
            return 130;
        }
    }

    private static async Task ShowAsync(
        RedirectOptions options, InPodRulesApplier applier, TextWriter output, CancellationToken cancellationToken)
    {
        var state = await applier.CompareAsync(options.Rules, cancellationToken) switch
        {
            RuleState.Absent => "absent",
            RuleState.InPlace => "in place",
            _ => "different",
        };
        var rules = options.Rules;
        await output.WriteLineAsync($"# in {options.Netns} these rules are {state}");
        if (options.Backend is RuleBackend.Nftables)
        {
            await output.WriteAsync($"# nft -f -\n{rules.ToNftables()}");
        }
        else
        {
            await output.WriteAsync($"# iptables-restore --noflush\n{rules.ToIptables(ipv6: false)}");
            if (rules.Ipv6)
            {
                await output.WriteAsync($"# ip6tables-restore --noflush\n{rules.ToIptables(ipv6: true)}");
            }
        }

        await output.WriteAsync($"# routing\n{rules.ToRoutingCommands()}");
    }
}
