using System.Net;
using System.Net.Sockets;

namespace Redirection.Rules;

/// <summary>Writes the in-pod rules as one transaction of <c>nft -f -</c>, both families in <c>inet</c> tables.</summary>
internal static class NftablesScript
{
    internal const string TablePrefix = "istio-ambient-";

    private const string Nat = $"{TablePrefix}nat";
    private const string Mangle = $"{TablePrefix}mangle";
    private const string Raw = $"{TablePrefix}raw";
    private const string NatPrerouting = $"add rule inet {Nat} istio-prerouting";
    private const string NatOutput = $"add rule inet {Nat} istio-output";
    private const string Ipv4 = "ip";
    private const string Ipv6 = "ip6";
    private const string Unproxied = "mark and 0xfff != 0x539";

    /// <summary>All rules, replacing those of the same tables.</summary>
    public static string Render(InPodRules rules) =>
        Join([.. NatLines(rules), .. MangleLines(), .. rules.CaptureDns ? RawLines() : []]);

    /// <summary>The same for a namespace with any rules of ours, tables included that are no longer needed.</summary>
    public static string RenderReplacement(InPodRules rules) => RenderRemoval() + Render(rules);

    /// <summary>Takes the tables out, whether they are there or not: adding first lets the deletion succeed.</summary>
    public static string RenderRemoval() => Join(new[] { Nat, Mangle, Raw }.SelectMany(
        table => new[] { $"add table inet {table}", $"delete table inet {table}" }));

    private static string Join(IEnumerable<string> lines) => string.Concat(lines.Select(line => line + "\n"));

    private static IEnumerable<string> NatLines(InPodRules rules)
    {
        var families = Families(rules);
        var inboundFamilies = rules.CaptureInbound ? families : [];
        var dnsFamilies = rules.CaptureDns ? families : [];

        yield return $"add table inet {Nat}";
        yield return $"flush table inet {Nat}";
        yield return $"add chain inet {Nat} prerouting {{ type nat hook prerouting priority -100 ; }}";
        yield return $"add chain inet {Nat} output {{ type nat hook output priority -100 ; }}";
        yield return $"add chain inet {Nat} istio-prerouting";
        yield return $"add chain inet {Nat} istio-output";
        yield return $"add rule inet {Nat} output jump istio-output";
        yield return $"add rule inet {Nat} prerouting jump istio-prerouting";
        foreach (var name in rules.VirtualInterfaces)
        {
            yield return $"{NatPrerouting} iifname {name} meta l4proto tcp counter redirect to :{InPodRules.OutboundPort}";
            yield return $"{NatPrerouting} iifname {name} meta l4proto tcp counter return";
        }

        foreach (var port in rules.ExcludedInboundPorts)
        {
            yield return $"{NatPrerouting} tcp dport {port} counter accept";
        }

        foreach (var family in inboundFamilies)
        {
            yield return $"{NatPrerouting} meta l4proto tcp {family.Name} saddr {family.Probe} counter accept";
        }

        foreach (var family in families)
        {
            yield return $"{NatOutput} meta l4proto tcp {family.Name} daddr {family.Probe} counter accept";
        }

        foreach (var family in inboundFamilies)
        {
            yield return $"{NatPrerouting} {family.NotLoopback} tcp dport != {InPodRules.InboundPort} {Unproxied}"
                + $" counter redirect to :{InPodRules.InboundPassthroughPort}";
        }

        foreach (var network in rules.ExcludedDestinations)
        {
            if (FamilyOf(network) is var name && families.Any(family => family.Name == name))
            {
                yield return $"{NatOutput} {name} daddr {network} counter accept";
            }
        }

        foreach (var port in rules.ExcludedOutboundPorts)
        {
            yield return $"{NatOutput} tcp dport {port} counter accept";
        }

        if (rules.CaptureDns)
        {
            yield return $"{NatOutput} oifname != lo {Unproxied} udp dport 53 counter redirect to :{InPodRules.DnsPort}";
        }

        foreach (var family in dnsFamilies)
        {
            yield return $"{NatOutput} {family.NotLoopback} tcp dport 53 {Unproxied}"
                + $" counter redirect to :{InPodRules.DnsPort}";
        }

        yield return $"{NatOutput} meta l4proto tcp mark and 0xfff == 0x111 counter accept";
        foreach (var family in families)
        {
            yield return $"{NatOutput} oifname lo {family.NotLoopback} counter accept";
        }

        foreach (var family in families)
        {
            yield return $"{NatOutput} meta l4proto tcp {family.NotLoopback} {Unproxied}"
                + $" counter redirect to :{InPodRules.OutboundPort}";
        }
    }

    /// <remarks>The output chain is of type route, so that a packet is routed again by the mark it gets there.</remarks>
    private static IEnumerable<string> MangleLines() =>
    [
        $"add table inet {Mangle}",
        $"flush table inet {Mangle}",
        $"add chain inet {Mangle} prerouting {{ type filter hook prerouting priority -150 ; }}",
        $"add chain inet {Mangle} output {{ type route hook output priority -150 ; }}",
        $"add chain inet {Mangle} istio-prerouting",
        $"add chain inet {Mangle} istio-output",
        $"add rule inet {Mangle} prerouting jump istio-prerouting",
        $"add rule inet {Mangle} output jump istio-output",
        $"add rule inet {Mangle} istio-prerouting meta mark & 0xfff == 0x539 counter"
            + " ct mark set ct mark & 0xfffff000 | 0x111",
        $"add rule inet {Mangle} istio-output ct mark and 0xfff == 0x111 counter meta mark set ct mark",
    ];

    private static IEnumerable<string> RawLines() =>
    [
        $"add table inet {Raw}",
        $"flush table inet {Raw}",
        $"add chain inet {Raw} prerouting {{ type filter hook prerouting priority -300 ; }}",
        $"add chain inet {Raw} output {{ type filter hook output priority -300 ; }}",
        $"add chain inet {Raw} istio-prerouting",
        $"add chain inet {Raw} istio-output",
        $"add rule inet {Raw} prerouting jump istio-prerouting",
        $"add rule inet {Raw} output jump istio-output",
        $"add rule inet {Raw} istio-output udp dport 53 meta mark and 0xfff == 0x539 counter"
            + $" ct zone set {InPodRules.DnsConntrackZone}",
        $"add rule inet {Raw} istio-prerouting udp sport 53 meta mark and 0xfff != 0x539 counter"
            + $" ct zone set {InPodRules.DnsConntrackZone}",
    ];

    private static string FamilyOf(IPNetwork network) =>
        network.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6 ? Ipv6 : Ipv4;

    private static Family[] Families(InPodRules rules)
    {
        var ipv4 = new Family(Ipv4, $"ip daddr != {IPAddress.Loopback}/32", rules.ProbeAddress);
        var ipv6 = new Family(Ipv6, $"ip6 daddr != {IPAddress.IPv6Loopback}/128", rules.ProbeAddressIpv6);
        return rules.Ipv6 ? [ipv4, ipv6] : [ipv4];
    }

    private readonly record struct Family(string Name, string NotLoopback, IPAddress Probe);
}
