using System.Net;
using Fixtures;
using Redirection.Rules;

namespace Redirection.Tests.Rules;

public sealed class InPodRulesTests
{
    private static readonly InPodRules Ipv4 = new() { Ipv6 = false };

    private static readonly InPodRules BothFamilies = new()
    {
        ProbeAddressIpv6 = IPAddress.Parse("e9ac:1e77:90ca:399f:4d6d:ece2:2f9b:3164"),
    };

    /// <summary>Recorded input of the tools, by the name of the recording.</summary>
    public static TheoryData<string, InPodRules> Recordings => new()
    {
        { "default", Ipv4 },
        { "default_ipv6", BothFamilies },
        { "dns_pod_enabled_and_off_globally", Ipv4 },
        { "dns_pod_disabled_and_on_globally", Ipv4 with { CaptureDns = false } },
        { "virtual_interfaces", Ipv4 with { CaptureDns = false, VirtualInterfaces = ["fake1s0f0", "fake1s0f1"] } },
    };

    [Theory]
    [MemberData(nameof(Recordings), DisableDiscoveryEnumeration = true)]
    public void ToIptables_Options_GiveTheRecordedRules(string recording, InPodRules rules)
    {
        // Before the rules the recordings name the commands that looked at the old state.
        var recorded = Lines(Fixture.Read("rules", "iptables", $"{recording}.golden")).Skip(2);

        var rendered = rules.ToIptables(ipv6: false) + (rules.Ipv6 ? rules.ToIptables(ipv6: true) : "");

        Assert.Equal(recorded, Lines(rendered));
    }

    [Theory]
    [MemberData(nameof(Recordings), DisableDiscoveryEnumeration = true)]
    public void ToNftables_Options_GiveTheRecordedRules(string recording, InPodRules rules)
    {
        var recorded = Lines(Fixture.Read("rules", "nftables", $"{recording}.golden"));

        Assert.Equal(recorded, Lines(rules.ToNftables()));
    }

    [Fact]
    public void ToIptables_IngressMode_LeavesInboundConnectionsAlone()
    {
        var nat = Lines((Ipv4 with { CaptureInbound = false }).ToIptables(ipv6: false));

        Assert.DoesNotContain(nat, line => line.Contains("15006", StringComparison.Ordinal));
        Assert.DoesNotContain(nat, line => line.StartsWith("-A ISTIO_PRERT -s", StringComparison.Ordinal));
        Assert.Contains("-A ISTIO_OUTPUT -d 169.254.7.127 -p tcp -m tcp -j ACCEPT", nat);
    }

    [Fact]
    public void ToNftables_IngressMode_LeavesInboundConnectionsAlone()
    {
        var lines = Lines((Ipv4 with { CaptureInbound = false }).ToNftables());

        Assert.DoesNotContain(lines, line => line.Contains("15006", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains("ip saddr", StringComparison.Ordinal));
        Assert.Contains(
            "add rule inet istio-ambient-nat istio-output meta l4proto tcp ip daddr 169.254.7.127 counter accept", lines);
    }

    [Fact]
    public void ToRoutingCommands_BothFamilies_AreRouteAndRuleOfEach() => Assert.Equal(
        [
            "ip route add local 0.0.0.0/0 dev lo table 100",
            "ip rule add fwmark 0x111/0xfff lookup 100 pref 32764",
            "ip -6 route add local ::/0 dev lo table 100",
            "ip -6 rule add fwmark 0x111/0xfff lookup 100 pref 32764",
        ],
        Lines(BothFamilies.ToRoutingCommands()));

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a\nadd table inet x")]
    [InlineData("0a")]
    [InlineData("sixteenletters_x")]
    public void VirtualInterfaces_NameThatCouldBeMistaken_IsRefused(string name) =>
        Assert.Throws<ArgumentException>(() => new InPodRules { VirtualInterfaces = [name] });

    [Fact]
    public void ProbeAddress_OfTheOtherFamily_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => new InPodRules { ProbeAddress = IPAddress.IPv6Loopback });
        Assert.Throws<ArgumentException>(() => new InPodRules { ProbeAddressIpv6 = IPAddress.Loopback });
    }

    private static List<string> Lines(string text) =>
    [
        .. text.Split('\n')
            .Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            .Where(line => line.Length > 0),
    ];
}
