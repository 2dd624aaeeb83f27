using System.Net;
using System.Net.Sockets;

namespace Redirection.Rules;

/// <summary>
/// What is redirected inside one pod's network namespace, in the form that Istio's CNI agent programs. Immutable: derive a
/// variant with <c>with</c>.
/// </summary>
public sealed record InPodRules
{
    /// <summary>Mark of everything the proxy sends: proxied already, not to be redirected.</summary>
    public const uint ProxyMark = 0x539;

    /// <summary>Mark of replies to connections with a preserved source, which table 100 brings back to the proxy.</summary>
    public const uint ReplyMark = 0x111;

    internal const int OutboundPort = 15001;
    internal const int InboundPassthroughPort = 15006;
    internal const int InboundPort = 15008;
    internal const int DnsPort = 15053;
    internal const int DnsConntrackZone = 1;

    // The low 12 bits are ours; the rest of a packet's mark belongs to others on the node.
    internal const string ProxyMarkAndMask = "0x539/0xfff";
    internal const string ReplyMarkAndMask = "0x111/0xfff";

    private const int LongestInterfaceName = 15; // IFNAMSIZ, without the final zero

    /// <summary>Whether the pod's DNS queries go to the proxy. Default true.</summary>
    public bool CaptureDns { get; init; } = true;

    /// <summary>Whether plaintext inbound connections go to the proxy. Default true; false for ingress gateways.</summary>
    public bool CaptureInbound { get; init; } = true;

    /// <summary>Whether IPv6 is redirected as IPv4 is. Default true.</summary>
    public bool Ipv6 { get; init; } = true;

    /// <summary>
    /// Interfaces of machines inside the pod, whose inbound connections are that machine's outbound ones. Names start with a
    /// letter and go on with letters, digits, <c>.</c>, <c>_</c> and <c>-</c>, 15 in all. Default none.
    /// </summary>
    public IReadOnlyList<string> VirtualInterfaces
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            foreach (var name in value)
            {
                ThrowIfNotPlain(name);
            }

            field = [.. value];
        }
    } = [];

    /// <summary>
    /// Ports, 1 to 65535, whose TCP connections out of the pod are left alone. Default none. Istio has no such exclusion.
    /// </summary>
    public IReadOnlyList<int> ExcludedOutboundPorts
    {
        get;
        init => field = Ports(value);
    } = [];

    /// <summary>The same for connections into the pod: what listens there is reached without a policy check.</summary>
    public IReadOnlyList<int> ExcludedInboundPorts
    {
        get;
        init => field = Ports(value);
    } = [];

    /// <summary>
    /// Addresses that everything out of the pod reaches unchanged, DNS included. Default none. Istio has no such exclusion.
    /// </summary>
    public IReadOnlyList<IPNetwork> ExcludedDestinations
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = [.. value];
        }
    } = [];

    /// <summary>Source that the node gives to health probes, which bypass the proxy. Default 169.254.7.127.</summary>
    public IPAddress ProbeAddress
    {
        get;
        init => field = OfFamily(value, AddressFamily.InterNetwork);
    } = new([169, 254, 7, 127]);

    /// <summary>The same for IPv6. Default fd16:9254:7127:1337:ffff:ffff:ffff:ffff.</summary>
    public IPAddress ProbeAddressIpv6
    {
        get;
        init => field = OfFamily(value, AddressFamily.InterNetworkV6);
    } = IPAddress.Parse("fd16:9254:7127:1337:ffff:ffff:ffff:ffff");

    /// <summary>The rules of one family as input of <c>iptables-restore --noflush</c>, for a namespace without them.</summary>
    public string ToIptables(bool ipv6) => IptablesScript.Render(this, ipv6);

    /// <summary>The rules of all families as input of <c>nft -f -</c>.</summary>
    public string ToNftables() => NftablesScript.Render(this);

    /// <summary>The commands that route marked replies to the proxy, one per line.</summary>
    public string ToRoutingCommands() =>
        string.Concat(RoutingCommands.ToAdd(Ipv6).Select(command => $"ip {string.Join(' ', command)}\n"));

    // The name goes into a script unquoted.
    private static void ThrowIfNotPlain(string name)
    {
        if (string.IsNullOrEmpty(name)
            || name.Length > LongestInterfaceName
            || !char.IsAsciiLetter(name[0])
            || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
        {
            throw new ArgumentException($"'{name}' cannot be the name of a virtual interface", nameof(name));
        }
    }

    private static IReadOnlyList<int> Ports(IReadOnlyList<int> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        foreach (var port in value)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(port, 1, nameof(value));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(port, IPEndPoint.MaxPort, nameof(value));
        }

        return [.. value];
    }

    internal static IPAddress OfFamily(IPAddress value, AddressFamily family)
    {
        ArgumentNullException.ThrowIfNull(value);
        return value.AddressFamily == family
            ? value
            : throw new ArgumentException($"probe address {value} is not of family {family}", nameof(value));
    }
}
