using System.Net;
using Fixtures;
using Redirection.Rules;
using Redirection.Tests.Support;

namespace Redirection.Tests.Rules;

/// <summary>Probes of the node; node-integration 3.4.</summary>
public sealed class HostProbeRulesTests : IDisposable
{
    private const int AppPort = 8080;

    private readonly PodPair _pair = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static HostProbeRules Rules => new()
    {
        PodAddresses = [PodPair.PodAddress(ipv6: false), PodPair.PodAddress(ipv6: true)],
    };

    public void Dispose() => _pair.Dispose();

    [Theory]
    [InlineData("hostprobe", false)]
    [InlineData("hostprobe_ipv6", true)]
    public void R8_ToIptables_IsTheRecordedRule(string recording, bool ipv6)
    {
        // Before the rules the recordings name the commands that looked at the old state.
        var recorded = Lines(Fixture.Read("rules", "iptables", $"{recording}.golden")).Skip(2);
        var rules = new HostProbeRules();

        Assert.Equal(recorded, Lines(rules.ToIptables(ipv6: false) + (ipv6 ? rules.ToIptables(ipv6: true) : "")));
    }

    [Theory]
    [InlineData("hostprobe", false)]
    [InlineData("hostprobe_ipv6", true)]
    public void R8_ToNftables_IsTheRecordedRule(string recording, bool ipv6)
    {
        var rules = new HostProbeRules
        {
            Ipv6 = ipv6,
            ProberUser = 1000,
            ProbeAddressIpv6 = IPAddress.Parse("e9ac:1e77:90ca:399f:4d6d:ece2:2f9b:3164"),
        };

        Assert.Equal(Lines(Fixture.Read("rules", "nftables", $"{recording}.golden")), Lines(rules.ToNftables()));
    }

    [Theory]
    [InlineData(RuleBackend.Nftables)]
    [InlineData(RuleBackend.Iptables)]
    public async Task R8_ApplyAsync_Twice_IsOneJumpAndOneRulePerFamily(RuleBackend backend)
    {
        var applier = new HostProbeRulesApplier(_pair.Peer, backend);
        await applier.ApplyAsync(Rules, Token);
        await applier.ApplyAsync(Rules, Token);

        var applied = State(backend);
        await applier.RemoveAsync(Token);
        await applier.RemoveAsync(Token);

        Assert.Equal(2, applied.Count(line => line.Contains("snat", StringComparison.OrdinalIgnoreCase)));
        var jump = backend is RuleBackend.Iptables ? "-A POSTROUTING -j ISTIO_POSTRT" : "hook postrouting";
        Assert.Equal(backend is RuleBackend.Iptables ? 2 : 1,
            applied.Count(line => line.Contains(jump, StringComparison.Ordinal)));
        Assert.DoesNotContain(State(backend), line => line.Contains("istio", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [MemberData(nameof(RedirectionTests.BackendsAndFamilies), MemberType = typeof(RedirectionTests))]
    public async Task N4_ProbeOfTheNode_GoesToTheApplicationFromTheProbeAddress(RuleBackend backend, bool ipv6)
    {
        await new InPodRulesApplier(_pair.Pod, backend).ApplyAsync(new InPodRules(), Token);
        using var passthrough = _pair.Pod.Listen(15006);
        using var app = _pair.Pod.Listen(AppPort);
        var destination = new IPEndPoint(PodPair.PodAddress(ipv6), AppPort);
        using (var captured = await _pair.Peer.ConnectAsync(destination))
        using (var accepted = await passthrough.AcceptWithinLimitAsync())
        {
            Assert.NotEqual(PodPair.Probe(ipv6), accepted.Peer().Address);
        }

        await new HostProbeRulesApplier(_pair.Peer, backend).ApplyAsync(Rules, Token);

        using var probe = await _pair.Peer.ConnectAsync(destination);
        using var served = await app.AcceptWithinLimitAsync();
        Assert.Equal(PodPair.Probe(ipv6), served.Peer().Address);
        await probe.AssertTalksToAsync(served);
    }

    [Fact]
    public async Task N4_OtherUserOfTheNode_IsNoProbe()
    {
        await new InPodRulesApplier(_pair.Pod, RuleBackend.Nftables).ApplyAsync(new InPodRules(), Token);
        await new HostProbeRulesApplier(_pair.Peer, RuleBackend.Nftables).ApplyAsync(
            Rules with { ProberUser = 4242 }, Token);
        using var passthrough = _pair.Pod.Listen(15006);

        using var client = await _pair.Peer.ConnectAsync(new IPEndPoint(PodPair.PodAddress(ipv6: false), AppPort));
        using var accepted = await passthrough.AcceptWithinLimitAsync();

        await client.AssertTalksToAsync(accepted);
    }

    private List<string> State(RuleBackend backend) => Lines(backend is RuleBackend.Nftables
        ? _pair.RunInPeer("nft -s list ruleset inet")
        : _pair.RunInPeer("iptables-save") + _pair.RunInPeer("ip6tables-save") + _pair.RunInPeer("ipset list -n"));

    private static List<string> Lines(string text) =>
        [.. text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
}
