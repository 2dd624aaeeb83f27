using Redirection.Rules;
using Redirection.Tests.Support;

namespace Redirection.Tests.Rules;

public sealed class InPodRulesApplierTests : IDisposable
{
    private readonly PodPair _pair = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _pair.Dispose();

    [Theory]
    [InlineData(RuleBackend.Nftables)]
    [InlineData(RuleBackend.Iptables)]
    public async Task ApplyAsync_Twice_LeavesOneCopy(RuleBackend backend)
    {
        var applier = new InPodRulesApplier(_pair.Pod, backend);
        await applier.ApplyAsync(new InPodRules(), Token);
        var once = State(backend);

        await applier.ApplyAsync(new InPodRules(), Token);

        Assert.Equal(once, State(backend));
        Assert.Equal(2, CountOf("15001", once));
        Assert.Equal(2, CountOf("fwmark 0x111/0xfff lookup 100", once));
        Assert.Equal(2, CountOf("local default dev lo table 100", once));
    }

    [Theory]
    [InlineData(RuleBackend.Nftables)]
    [InlineData(RuleBackend.Iptables)]
    public async Task ApplyAsync_FewerRules_TakesTheOthersOut(RuleBackend backend)
    {
        var applier = new InPodRulesApplier(_pair.Pod, backend);
        await applier.ApplyAsync(new InPodRules(), Token);

        await applier.ApplyAsync(new InPodRules { CaptureDns = false, Ipv6 = false }, Token);

        var state = State(backend);
        Assert.Equal(0, CountOf("15053", state));
        Assert.Equal(0, CountOf("zone", state));
        Assert.Equal(1, CountOf("15001", state));
    }

    [Theory]
    [InlineData(RuleBackend.Nftables)]
    [InlineData(RuleBackend.Iptables)]
    public async Task RemoveAsync_Applied_LeavesNothingOfOursAndAllOfOthers(RuleBackend backend)
    {
        _pair.RunInPod(backend is RuleBackend.Nftables ? "nft -f -" : "iptables-restore --noflush", ForeignRule(backend));
        var applier = new InPodRulesApplier(_pair.Pod, backend);
        await applier.ApplyAsync(new InPodRules(), Token);
        Assert.Equal(1, CountOf("4242", State(backend)));

        await applier.RemoveAsync(Token);
        await applier.RemoveAsync(Token);

        var state = State(backend);
        Assert.Equal(0, CountOf("istio", state));
        Assert.Equal(0, CountOf("0x111", state));
        Assert.Equal(0, CountOf("table 100", state));
        Assert.Equal(1, CountOf("4242", state));
    }

    [Fact]
    public async Task ApplyAsync_Ipv6OffInThePod_LeavesItsRouteOut()
    {
        _pair.Pod.Run(static () => File.WriteAllText("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "1"));

        await new InPodRulesApplier(_pair.Pod, RuleBackend.Nftables).ApplyAsync(new InPodRules(), Token);

        Assert.Contains("local default", _pair.RunInPod("ip -4 route show table all"), StringComparison.Ordinal);
        Assert.DoesNotContain("local default", _pair.RunInPod("ip -6 route show table all"), StringComparison.Ordinal);
    }

    private static string ForeignRule(RuleBackend backend) => backend is RuleBackend.Nftables
        ? "add table inet other\nadd chain inet other input\nadd rule inet other input tcp dport 4242 accept\n"
        : "*nat\n-A PREROUTING -p tcp --dport 4242 -j ACCEPT\nCOMMIT\n";

    /// <summary>Rules and routing of the pod, without what changes by itself.</summary>
    private List<string> State(RuleBackend backend)
    {
        var rules = backend is RuleBackend.Nftables
            ? _pair.RunInPod("nft -s list ruleset")
            : _pair.RunInPod("iptables-save") + _pair.RunInPod("ip6tables-save");
        var routes = _pair.RunInPod("ip -4 route show table all") + _pair.RunInPod("ip -6 route show table all");
        return
        [
            .. rules.Split('\n').Where(line => !line.StartsWith('#')),
            .. (_pair.RunInPod("ip rule") + _pair.RunInPod("ip -6 rule")).Split('\n'),
            .. routes.Split('\n').Where(line => line.Contains("table 100", StringComparison.Ordinal)),
        ];
    }

    private static int CountOf(string part, List<string> lines) =>
        lines.Count(line => line.Contains(part, StringComparison.OrdinalIgnoreCase));
}
