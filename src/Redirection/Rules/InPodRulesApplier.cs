namespace Redirection.Rules;

/// <summary>
/// Programs the redirection of one pod the way the CNI agent does, for pods without one. Applying what is there already
/// changes nothing, and replacing rules never lets a connection slip by.
/// </summary>
/// <remarks>
/// Needs <c>nsenter</c>, <c>unshare</c>, <c>sh</c>, <c>ip</c>, and <c>nft</c> or <c>iptables</c>. Not for two callers on one
/// pod at a time.
/// </remarks>
/// <param name="netns">The pod's namespace, lent.</param>
/// <param name="backend">Which tool to use.</param>
public sealed class InPodRulesApplier(Netns netns, RuleBackend backend)
{
    private const string ListNftables = "nft -s list ruleset inet";

    private readonly Tool _tool = new(netns);

    /// <summary>Puts rules and routing in place, instead of any that are there.</summary>
    /// <exception cref="ToolException">A tool is missing or refused.</exception>
    public async Task ApplyAsync(InPodRules rules, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rules);
        var ipv6 = ReadIpv6State();
        if (backend is RuleBackend.Nftables)
        {
            if (await CompareNftablesAsync(rules, cancellationToken) is not RuleState.InPlace)
            {
                await RunAsync("nft", ["-f", "-"], NftablesScript.RenderReplacement(rules), cancellationToken);
            }
        }
        else
        {
            foreach (var family in FamiliesOf(ipv6))
            {
                if (await CompareIptablesAsync(rules, family, cancellationToken) is not RuleState.InPlace)
                {
                    await RewriteIptablesAsync(
                        family,
                        saved => rules.Ipv6 || !family.IsIpv6
                            ? IptablesScript.RenderReplacement(saved, rules, family.IsIpv6)
                            : IptablesScript.RenderRemoval(saved),
                        cancellationToken);
                }
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
            foreach (var family in FamiliesOf(ipv6))
            {
                await RewriteIptablesAsync(family, IptablesScript.RenderRemoval, cancellationToken);
            }
        }

        await RouteAsync(RoutingCommands.ToRemove(ipv6 is not Ipv6State.Absent), cancellationToken);
    }

    /// <summary>Looks whether these rules and their routing are there; changes nothing.</summary>
    /// <exception cref="ToolException">A tool is missing or refused.</exception>
    public async Task<RuleState> CompareAsync(InPodRules rules, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rules);
        var ipv6 = ReadIpv6State();
        List<RuleState> states = [];
        if (backend is RuleBackend.Nftables)
        {
            states.Add(await CompareNftablesAsync(rules, cancellationToken));
        }
        else
        {
            foreach (var family in FamiliesOf(ipv6).Where(family => rules.Ipv6 || !family.IsIpv6))
            {
                states.Add(await CompareIptablesAsync(rules, family, cancellationToken));
            }
        }

        foreach (var command in RoutingCommands.ToList(rules.Ipv6 && ipv6 is Ipv6State.Enabled))
        {
            var listed = await _tool.RunAsync("ip", command.Arguments, "", RoutingCommands.DoneAlready, cancellationToken);
            states.Add(
                listed.Contains(command.Wanted, StringComparison.Ordinal) ? RuleState.InPlace : RuleState.Absent);
        }

        return states.Distinct().Count() == 1 ? states[0] : RuleState.Different;
    }

    private async Task<RuleState> CompareNftablesAsync(InPodRules rules, CancellationToken cancellationToken)
    {
        var present = RuleListing.OfNftables(await RunAsync("sh", ["-c", ListNftables], "", cancellationToken));
        return present.Length == 0
            ? RuleState.Absent
            : Compare(present, RuleListing.OfNftables(
                await TryElsewhereAsync($"nft -f - && {ListNftables}", NftablesScript.Render(rules), cancellationToken)));
    }

    private async Task<RuleState> CompareIptablesAsync(
        InPodRules rules, Family family, CancellationToken cancellationToken)
    {
        var present = RuleListing.OfIptables(await RunAsync($"{family.Tool}-save", [], "", cancellationToken));
        return present.Length == 0
            ? RuleState.Absent
            : family.IsIpv6 && !rules.Ipv6
                ? RuleState.Different
                : Compare(present, RuleListing.OfIptables(await TryElsewhereAsync(
                    $"{family.Tool}-restore --noflush --wait && {family.Tool}-save",
                    IptablesScript.Render(rules, family.IsIpv6),
                    cancellationToken)));
    }

    private static RuleState Compare(string present, string wanted) =>
        present == wanted ? RuleState.InPlace : RuleState.Different;

    /// <summary>
    /// What the tools list once the rules are in place is not what they were given: the kernel leaves defaults out, and
    /// versions differ. So the same rules are listed in a namespace that ends with the command.
    /// </summary>
    private Task<string> TryElsewhereAsync(string command, string input, CancellationToken cancellationToken) =>
        RunAsync("unshare", ["--net", "--", "sh", "-c", command], input, cancellationToken);

    private async Task RewriteIptablesAsync(
        Family family, Func<string, string> toScript, CancellationToken cancellationToken)
    {
        var script = toScript(await RunAsync($"{family.Tool}-save", [], "", cancellationToken));
        if (script.Length > 0)
        {
            await RunAsync($"{family.Tool}-restore", ["--noflush", "--wait"], script, cancellationToken);
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

    private static Family[] FamiliesOf(Ipv6State ipv6) => ipv6 is Ipv6State.Absent
        ? [new("iptables", IsIpv6: false)]
        : [new("iptables", IsIpv6: false), new("ip6tables", IsIpv6: true)];

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

    private readonly record struct Family(string Tool, bool IsIpv6);

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
