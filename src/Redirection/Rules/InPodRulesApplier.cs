namespace Redirection.Rules;

/// <summary>
/// Programs the redirection of one pod the way the CNI agent does, for pods without one. Applying what is there already
/// leaves a single copy, and replacing rules never lets a connection slip by.
/// </summary>
/// <remarks>Needs <c>nsenter</c>, <c>ip</c>, and <c>nft</c> or <c>iptables</c>. Not for two callers on one pod at a time.</remarks>
/// <param name="netns">The pod's namespace, lent.</param>
/// <param name="backend">Which tool to use.</param>
public sealed class InPodRulesApplier(Netns netns, RuleBackend backend)
{
    private readonly Tool _tool = new(netns);

    /// <summary>Puts rules and routing in place, instead of any that are there.</summary>
    /// <exception cref="ToolException">A tool is missing or refused.</exception>
    public async Task ApplyAsync(InPodRules rules, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rules);
        var ipv6 = ReadIpv6State();
        if (backend is RuleBackend.Nftables)
        {
            await RunAsync("nft", ["-f", "-"], NftablesScript.RenderReplacement(rules), cancellationToken);
        }
        else
        {
            await RewriteIptablesAsync(
                "iptables", saved => IptablesScript.RenderReplacement(saved, rules, ipv6: false), cancellationToken);
            if (ipv6 is not Ipv6State.Absent)
            {
                await RewriteIptablesAsync(
                    "ip6tables",
                    saved => rules.Ipv6
                        ? IptablesScript.RenderReplacement(saved, rules, ipv6: true)
                        : IptablesScript.RenderRemoval(saved),
                    cancellationToken);
            }
        }

        await RouteAsync(RoutingCommands.ToAdd(rules.Ipv6 && ipv6 is Ipv6State.Enabled), cancellationToken);
    }

    /// <summary>Takes rules and routing out; fine when there are none.</summary>
    /// <exception cref="ToolException">A tool is missing or refused.</exception>
    public async Task RemoveAsync(CancellationToken cancellationToken)
    {
        var ipv6 = ReadIpv6State();
        if (backend is RuleBackend.Nftables)
        {
            await RunAsync("nft", ["-f", "-"], NftablesScript.RenderRemoval(), cancellationToken);
        }
        else
        {
            await RewriteIptablesAsync("iptables", IptablesScript.RenderRemoval, cancellationToken);
            if (ipv6 is not Ipv6State.Absent)
            {
                await RewriteIptablesAsync("ip6tables", IptablesScript.RenderRemoval, cancellationToken);
            }
        }

        await RouteAsync(RoutingCommands.ToRemove(ipv6 is not Ipv6State.Absent), cancellationToken);
    }

    private async Task RewriteIptablesAsync(
        string tool, Func<string, string> toScript, CancellationToken cancellationToken)
    {
        var script = toScript(await RunAsync($"{tool}-save", [], "", cancellationToken));
        if (script.Length > 0)
        {
            await RunAsync($"{tool}-restore", ["--noflush", "--wait"], script, cancellationToken);
        }
    }

    private async Task RouteAsync(IEnumerable<string[]> commands, CancellationToken cancellationToken)
    {
        foreach (var command in commands)
        {
            await _tool.RunAsync("ip", command, "", RoutingCommands.DoneAlready, cancellationToken);
        }
    }

    private Task<string> RunAsync(string tool, string[] arguments, string input, CancellationToken cancellationToken) =>
        _tool.RunAsync(tool, arguments, input, tolerated: [], cancellationToken);

    /// <summary>Looks at the loopback interface inside the pod: <c>/proc/sys/net</c> follows the calling thread.</summary>
    private Ipv6State ReadIpv6State() => netns.Run(static () =>
    {
        try
        {
            return File.ReadAllText("/proc/sys/net/ipv6/conf/lo/disable_ipv6").Trim() == "0"
                ? Ipv6State.Enabled
                : Ipv6State.Disabled;
        }
        catch (DirectoryNotFoundException)
        {
            return Ipv6State.Absent;
        }
    });

    private enum Ipv6State
    {
        /// <summary>The kernel runs without IPv6.</summary>
        Absent,

        /// <summary>Switched off on the pod's loopback interface, so that a local route would be refused.</summary>
        Disabled,

        /// <summary>In use.</summary>
        Enabled,
    }
}
