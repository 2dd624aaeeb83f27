using System.Net;
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
    public async Task R5_ApplyAsync_Twice_LeavesOneCopy(RuleBackend backend)
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

    [Theory]
    [InlineData(RuleBackend.Nftables)]
    [InlineData(RuleBackend.Iptables)]
    public async Task R5_ApplyAsync_Twice_WritesNoRuleAnew(RuleBackend backend)
    {
        var applier = new InPodRulesApplier(_pair.Pod, backend);
        await applier.ApplyAsync(new InPodRules(), Token);
        var once = Handles();

        await applier.ApplyAsync(new InPodRules(), Token);
        Assert.Equal(once, Handles());

        await applier.ApplyAsync(new InPodRules { CaptureInbound = false }, Token);
        Assert.NotEqual(once, Handles());
    }

    [Theory]
    [InlineData(RuleBackend.Nftables)]
    [InlineData(RuleBackend.Iptables)]
    public async Task R5_RemoveThenApply_EqualsApply(RuleBackend backend)
    {
        var applier = new InPodRulesApplier(_pair.Pod, backend);
        var empty = State(backend);
        await applier.ApplyAsync(new InPodRules(), Token);
        var applied = State(backend);

        await applier.RemoveAsync(Token);
        var removed = State(backend);
        await applier.ApplyAsync(new InPodRules(), Token);

        Assert.Equal(OursOf(empty), OursOf(removed));
        Assert.Equal(applied, State(backend));
    }

    [Theory]
    [InlineData(RuleBackend.Nftables)]
    [InlineData(RuleBackend.Iptables)]
    public async Task R6_CompareAsync_TellsWhatIsOursFromWhatIsNot(RuleBackend backend)
    {
        var rules = new InPodRules();
        var applier = new InPodRulesApplier(_pair.Pod, backend);
        Assert.Equal(RuleState.Absent, await applier.CompareAsync(rules, Token));
        await applier.ApplyAsync(rules, Token);
        Assert.Equal(RuleState.InPlace, await applier.CompareAsync(rules, Token));
        Assert.Equal(RuleState.Different, await applier.CompareAsync(rules with { CaptureDns = false }, Token));
        Assert.Equal(RuleState.Different, await applier.CompareAsync(rules with { Ipv6 = false, CaptureDns = false }, Token));

        _pair.RunInPod(backend is RuleBackend.Nftables ? "nft -f -" : "iptables-restore --noflush", ForeignRule(backend));
        Assert.Equal(RuleState.InPlace, await applier.CompareAsync(rules, Token));

        _pair.RunInPod(backend is RuleBackend.Nftables
            ? "nft add chain inet istio-ambient-nat another"
            : "iptables -t filter -N ISTIO_ANOTHER");
        Assert.Equal(RuleState.Different, await applier.CompareAsync(rules, Token));

        await applier.ApplyAsync(rules, Token);
        Assert.Equal(RuleState.InPlace, await applier.CompareAsync(rules, Token));
        Assert.Equal(1, CountOf("4242", State(backend)));
    }

    [Theory]
    [InlineData(RuleBackend.Nftables)]
    [InlineData(RuleBackend.Iptables)]
    public async Task R6_CompareAsync_RouteOrRuleMissing_IsADifference(RuleBackend backend)
    {
        var rules = new InPodRules();
        var applier = new InPodRulesApplier(_pair.Pod, backend);
        await applier.ApplyAsync(rules, Token);

        _pair.RunInPod("ip -6 rule del pref 32764");

        Assert.Equal(RuleState.Different, await applier.CompareAsync(rules, Token));
        await applier.ApplyAsync(rules, Token);
        Assert.Equal(RuleState.InPlace, await applier.CompareAsync(rules, Token));
    }

    [Theory]
    [InlineData(RuleBackend.Nftables)]
    [InlineData(RuleBackend.Iptables)]
    public async Task ApplyAsync_EveryOption_IsInPlaceAfterwards(RuleBackend backend)
    {
        var rules = new InPodRules
        {
            VirtualInterfaces = ["eth0", "net1"],
            CaptureInbound = false,
            ExcludedInboundPorts = [9000],
            ExcludedOutboundPorts = [5432],
            ExcludedDestinations = [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("fd00::/8")],
        };
        var applier = new InPodRulesApplier(_pair.Pod, backend);

        await applier.ApplyAsync(rules, Token);

        Assert.Equal(RuleState.InPlace, await applier.CompareAsync(rules, Token));
        Assert.Equal(RuleState.Different, await applier.CompareAsync(rules with { ExcludedOutboundPorts = [] }, Token));
    }

    [Theory]
    [InlineData(RuleBackend.Nftables)]
    [InlineData(RuleBackend.Iptables)]
    public async Task R7_TenPodsAtOnce_DoNotInterfere(RuleBackend backend)
    {
        var pods = new PodPair[10];
        try
        {
            for (var i = 0; i < pods.Length; i++)
            {
                pods[i] = new PodPair();
            }

            var rules = new InPodRules();
            await Task.WhenAll(pods.Select(pod => new InPodRulesApplier(pod.Pod, backend).ApplyAsync(rules, Token)));

            foreach (var pod in pods)
            {
                Assert.Equal(RuleState.InPlace, await new InPodRulesApplier(pod.Pod, backend).CompareAsync(rules, Token));
            }
        }
        finally
        {
            foreach (var pod in pods)
            {
                pod?.Dispose();
            }
        }
    }

    /// <summary>The numbers that the kernel gave to the rules of either tool: a rule that is written anew gets another.</summary>
    private string[] Handles() =>
    [
        .. _pair.RunInPod("nft -s -a list ruleset").Split('\n')
            .Select(line => line.Split("# handle ") is [_, var handle] ? handle : "")
            .Where(handle => handle.Length > 0),
    ];

    private static List<string> OursOf(List<string> state) =>
    [
        .. state.Where(line => line.Contains("istio", StringComparison.OrdinalIgnoreCase)
            || line.Contains("0x111", StringComparison.Ordinal)
            || line.Contains("table 100", StringComparison.Ordinal)),
    ];

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
