namespace Redirection.Rules;

/// <summary>Programs <see cref="HostProbeRules"/>. Applying again replaces what is there.</summary>
/// <remarks>Needs <c>nsenter</c>, and <c>nft</c>, or <c>iptables</c> and <c>ipset</c>.</remarks>
/// <param name="netns">The network namespace of the node, lent; never that of a pod.</param>
/// <param name="backend">Which tool to use.</param>
public sealed class HostProbeRulesApplier(Netns netns, RuleBackend backend)
{
    private readonly Tool _tool = new(netns);

    /// <summary>Puts sets and rules in place.</summary>
    /// <exception cref="ToolException">A tool is missing or refused.</exception>
    public async Task ApplyAsync(HostProbeRules rules, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rules);
        if (backend is RuleBackend.Nftables)
        {
            await RunAsync("nft", ["-f", "-"], rules.ToNftablesSets() + rules.ToNftables(), cancellationToken);
            return;
        }

        foreach (var ipv6 in Families)
        {
            await RemoveIptablesAsync(ipv6, cancellationToken);
            if (rules.Ipv6 || !ipv6)
            {
                await RunAsync("ipset", ["restore", "-exist"], rules.ToIpset(ipv6), cancellationToken);
                await RunAsync(
                    $"{ToolOf(ipv6)}-restore", ["--noflush", "--wait"], rules.ToIptables(ipv6), cancellationToken);
            }
        }
    }

    /// <summary>Takes rules and sets out; fine when there are none.</summary>
    /// <exception cref="ToolException">A tool is missing or refused.</exception>
    public async Task RemoveAsync(CancellationToken cancellationToken)
    {
        if (backend is RuleBackend.Nftables)
        {
            const string Table = "table inet istio-ambient-nat";
            await RunAsync("nft", ["-f", "-"], $"add {Table}\ndelete {Table}\n", cancellationToken);
            return;
        }

        foreach (var ipv6 in Families)
        {
            await RemoveIptablesAsync(ipv6, cancellationToken);
            await _tool.RunAsync(
                "ipset", ["destroy", HostProbeRules.SetOf(ipv6)], "", ["does not exist"], cancellationToken);
        }
    }

    private static bool[] Families => [false, true];

    private static string ToolOf(bool ipv6) => ipv6 ? "ip6tables" : "iptables";

    // Between this and the new rules a probe has another source and goes through the proxy: it may fail, never bypass.
    private async Task RemoveIptablesAsync(bool ipv6, CancellationToken cancellationToken)
    {
        var removal = IptablesScript.RenderRemoval(
            await RunAsync($"{ToolOf(ipv6)}-save", [], "", cancellationToken));
        if (removal.Length > 0)
        {
            await RunAsync($"{ToolOf(ipv6)}-restore", ["--noflush", "--wait"], removal, cancellationToken);
        }
    }

    private Task<string> RunAsync(string tool, string[] arguments, string input, CancellationToken cancellationToken) =>
        _tool.RunAsync(tool, arguments, input, tolerated: [], cancellationToken);
}
