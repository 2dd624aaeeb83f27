using System.Net;
using System.Net.Sockets;

namespace Redirection.Rules;

/// <summary>
/// How health probes of a node get the source address that <see cref="InPodRules"/> let pass, in the form that Istio's CNI
/// agent programs on the node itself. Immutable.
/// </summary>
public sealed record HostProbeRules
{
    internal const string SetIpv4 = "istio-inpod-probes-v4";
    internal const string SetIpv6 = "istio-inpod-probes-v6";

    /// <summary>Whether IPv6 probes are treated as those of IPv4 are. Default true.</summary>
    public bool Ipv6 { get; init; } = true;

    /// <summary>Source that probes get. Default 169.254.7.127.</summary>
    public IPAddress ProbeAddress
    {
        get;
        init => field = InPodRules.OfFamily(value, AddressFamily.InterNetwork);
    } = new InPodRules().ProbeAddress;

    /// <summary>The same for IPv6. Default fd16:9254:7127:1337:ffff:ffff:ffff:ffff.</summary>
    public IPAddress ProbeAddressIpv6
    {
        get;
        init => field = InPodRules.OfFamily(value, AddressFamily.InterNetworkV6);
    } = new InPodRules().ProbeAddressIpv6;

    /// <summary>
    /// User that probes, the kubelet's. Default 0, root. With <c>iptables</c> it does not matter: there, whatever a process of
    /// the node sends is a probe.
    /// </summary>
    public uint ProberUser { get; init; }

    /// <summary>Addresses of the pods that are probed. Default none.</summary>
    public IReadOnlyList<IPAddress> PodAddresses
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = [.. value];
        }
    } = [];

    /// <summary>The rules of one family as input of <c>iptables-restore --noflush</c>, for a namespace without them.</summary>
    public string ToIptables(bool ipv6) =>
        $"""
        * nat
        -N ISTIO_POSTRT
        -I POSTROUTING 1 -j ISTIO_POSTRT
        -A ISTIO_POSTRT -m owner --socket-exists -p tcp -m set --match-set {SetOf(ipv6)} dst -j SNAT --to-source {(
            ipv6 ? ProbeAddressIpv6 : ProbeAddress)}
        COMMIT

        """;

    /// <summary>The set of one family as input of <c>ipset restore -exist</c>.</summary>
    public string ToIpset(bool ipv6)
    {
        var set = SetOf(ipv6);
        var family = ipv6 ? "inet6" : "inet";
        return $"create {set} hash:ip family {family} comment\nflush {set}\n"
            + string.Concat(AddressesOf(ipv6).Select(address => $"add {set} {address}\n"));
    }

    /// <summary>The rules of all families as input of <c>nft -f -</c>, for a namespace that has the sets.</summary>
    public string ToNftables()
    {
        const string Rule = "add rule inet istio-ambient-nat postrouting meta l4proto tcp skuid";
        var ipv4 = $"{Rule} {ProberUser} ip daddr @{SetIpv4} counter snat to {ProbeAddress}\n";
        var ipv6 = $"{Rule} {ProberUser} ip6 daddr @{SetIpv6} counter snat to {ProbeAddressIpv6}\n";
        return $$"""
            add table inet istio-ambient-nat
            flush table inet istio-ambient-nat
            add chain inet istio-ambient-nat postrouting { type nat hook postrouting priority 100 ; }

            """ + ipv4 + (Ipv6 ? ipv6 : "");
    }

    /// <summary>The sets of all families as input of <c>nft -f -</c>.</summary>
    public string ToNftablesSets() =>
        "add table inet istio-ambient-nat\n" + ToNftablesSet(ipv6: false) + (Ipv6 ? ToNftablesSet(ipv6: true) : "");

    internal static string SetOf(bool ipv6) => ipv6 ? SetIpv6 : SetIpv4;

    private string ToNftablesSet(bool ipv6)
    {
        var set = $"inet istio-ambient-nat {SetOf(ipv6)}";
        var addresses = string.Join(", ", AddressesOf(ipv6));
        return $"add set {set} {{ type {(ipv6 ? "ipv6_addr" : "ipv4_addr")} ; }}\nflush set {set}\n"
            + (addresses.Length == 0 ? "" : $"add element {set} {{ {addresses} }}\n");
    }

    private IEnumerable<IPAddress> AddressesOf(bool ipv6)
    {
        var family = ipv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        return PodAddresses.Where(address => address.AddressFamily == family).Distinct();
    }
}
