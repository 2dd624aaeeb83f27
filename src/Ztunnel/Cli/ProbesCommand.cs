using Redirection;
using Redirection.Rules;

namespace Ztunnel.Cli;

/// <summary>
/// <c>ztunnel probes</c>: the rules that Istio's CNI agent would write on a node so that health probes reach the
/// applications, for machines without one.
/// </summary>
internal static class ProbesCommand
{
    /// <summary>Runs it.</summary>
    /// <param name="arguments">What follows <c>probes</c>.</param>
    /// <param name="output">Gets what <c>show</c> prints.</param>
    /// <param name="error">Gets one line on what is wrong.</param>
    /// <param name="cancellationToken">Ends a tool that runs.</param>
    /// <returns>Exit code: 0 if it worked.</returns>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        try
        {
            var options = ProbesOptions.Parse(arguments);
            using var netns = Netns.Open(options.Netns);
            var applier = new HostProbeRulesApplier(netns, options.Backend);
            await (options.Action switch
            {
                RedirectAction.Apply => applier.ApplyAsync(options.Rules, cancellationToken),
                RedirectAction.Remove => applier.RemoveAsync(cancellationToken),
                _ => output.WriteAsync(Describe(options.Rules, options.Backend)),
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
            await error.WriteLineAsync("stopped before the end");
            return 130;
        }
    }

    private static string Describe(HostProbeRules rules, RuleBackend backend)
    {
        if (backend is RuleBackend.Nftables)
        {
            return $"# nft -f -\n{rules.ToNftablesSets()}{rules.ToNftables()}";
        }

        bool[] families = rules.Ipv6 ? [false, true] : [false];
        return string.Concat(families.Select(ipv6 =>
            $"# ipset restore -exist\n{rules.ToIpset(ipv6)}"
            + $"# {(ipv6 ? "ip6tables" : "iptables")}-restore --noflush\n{rules.ToIptables(ipv6)}"));
    }
}
