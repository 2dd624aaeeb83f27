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

    private static readonly InPodRules Excluding = new()
    {
        ExcludedInboundPorts = [9000],
        ExcludedOutboundPorts = [5432],
        ExcludedDestinations = [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("fd00::/8")],
    };

    /// <summary>Recorded input of the tools, by the name of the recording: two for R1, two for R2, one for R4.</summary>
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
    public void R1_R2_R4_ToIptables_Options_GiveTheRecordedRules(string recording, InPodRules rules)
    {
        // Before the rules the recordings name the commands that looked at the old state.
        var recorded = Lines(Fixture.Read("rules", "iptables", $"{recording}.golden")).Skip(2);

        var rendered = rules.ToIptables(ipv6: false) + (rules.Ipv6 ? rules.ToIptables(ipv6: true) : "");

        Assert.Equal(recorded, Lines(rendered));
    }

    [Theory]
    [MemberData(nameof(Recordings), DisableDiscoveryEnumeration = true)]
    public void R1_R2_R4_ToNftables_Options_GiveTheRecordedRules(string recording, InPodRules rules)
    {
        var recorded = Lines(Fixture.Read("rules", "nftables", $"{recording}.golden"));

        Assert.Equal(recorded, Lines(rules.ToNftables()));
    }

    [Fact]
    public void R3_ToIptables_IngressMode_LeavesInboundConnectionsAlone()
    {
        var nat = Lines((Ipv4 with { CaptureInbound = false }).ToIptables(ipv6: false));

        Assert.DoesNotContain(nat, line => line.Contains("15006", StringComparison.Ordinal));
        Assert.DoesNotContain(nat, line => line.StartsWith("-A ISTIO_PRERT -s", StringComparison.Ordinal));
        Assert.Contains("-A ISTIO_OUTPUT -d 169.254.7.127 -p tcp -m tcp -j ACCEPT", nat);
    }

    [Fact]
    public void R3_ToNftables_IngressMode_LeavesInboundConnectionsAlone()
    {
        var lines = Lines((Ipv4 with { CaptureInbound = false }).ToNftables());

        Assert.DoesNotContain(lines, line => line.Contains("15006", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains("ip saddr", StringComparison.Ordinal));
        Assert.Contains(
            "add rule inet istio-ambient-nat istio-output meta l4proto tcp ip daddr 169.254.7.127 counter accept", lines);
    }

    [Fact]
    public void ToIptables_Exclusions_ComeBeforeWhatTheyAreExcludedFrom()
    {
        var nat = Lines(Excluding.ToIptables(ipv6: false));
        var nat6 = Lines(Excluding.ToIptables(ipv6: true));

        AssertOrder(nat, "-A ISTIO_PRERT -p tcp -m tcp --dport 9000 -j ACCEPT", "--to-ports 15006");
        AssertOrder(nat, "-A ISTIO_OUTPUT -d 10.0.0.0/8 -j ACCEPT", "--to-port 15053");
        AssertOrder(nat, "-A ISTIO_OUTPUT -p tcp -m tcp --dport 5432 -j ACCEPT", "--to-ports 15001");
        AssertOrder(nat6, "-A ISTIO_OUTPUT -d fd00::/8 -j ACCEPT", "--to-port 15053");
        Assert.DoesNotContain(nat, line => line.Contains("fd00", StringComparison.Ordinal));
        Assert.DoesNotContain(nat6, line => line.Contains("10.0.0.0", StringComparison.Ordinal));
    }

    [Fact]
    public void ToNftables_Exclusions_ComeBeforeWhatTheyAreExcludedFrom()
    {
        var lines = Lines(Excluding.ToNftables());
        var ipv4 = Lines((Excluding with { Ipv6 = false }).ToNftables());

        AssertOrder(lines, "istio-prerouting tcp dport 9000 counter accept", "redirect to :15006");
        AssertOrder(lines, "istio-output ip daddr 10.0.0.0/8 counter accept", "redirect to :15053");
        AssertOrder(lines, "istio-output ip6 daddr fd00::/8 counter accept", "redirect to :15053");
        AssertOrder(lines, "istio-output tcp dport 5432 counter accept", "redirect to :15001");
        Assert.DoesNotContain(ipv4, line => line.Contains("fd00", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65536)]
    public void ExcludedPorts_OutOfRange_AreRefused(int port)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new InPodRules { ExcludedOutboundPorts = [port] });
        Assert.Throws<ArgumentOutOfRangeException>(() => new InPodRules { ExcludedInboundPorts = [port] });
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

    private static void AssertOrder(List<string> lines, string firstEnd, string secondEnd)
    {
        var first = lines.FindIndex(line => line.EndsWith(firstEnd, StringComparison.Ordinal));
        var second = lines.FindIndex(line => line.EndsWith(secondEnd, StringComparison.Ordinal));
        Assert.True(first >= 0 && first < second, $"'{firstEnd}' is line {first}, '{secondEnd}' line {second}");
    }

    private static List<string> Lines(string text) =>
    [
        .. text.Split('\n')
            .Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            .Where(line => line.Length > 0),
    ];
}
