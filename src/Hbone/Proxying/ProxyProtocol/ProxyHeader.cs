using System.Net;
using System.Net.Sockets;
using Hbone.Tls;

namespace Hbone.Proxying.ProxyProtocol;

/// <summary>
/// What a PROXY protocol header, version 2, tells an application about the connection that it stands in front of: who
/// dialled whom, and the caller's identity in the type-length-value 0xD0 that Istio's waypoints read. Immutable.
/// </summary>
/// <remarks>HAProxy's "The PROXY protocol", section 2.2; TCP only.</remarks>
public sealed record ProxyHeader
{
    private ProxyHeader()
    {
    }

    /// <summary>Of a connection that the proxy makes for itself, a health check: there is nobody to speak of.</summary>
    public static ProxyHeader Local { get; } = new() { IsLocal = true };

    /// <summary>Whether the command is LOCAL, so that the real ends of the connection are meant.</summary>
    public bool IsLocal { get; private init; }

    /// <summary>Who dialled; null when the header has no addresses. Of the same family as the destination.</summary>
    public IPEndPoint? Source { get; private init; }

    /// <summary>Who was dialled; null when the header has no addresses.</summary>
    public IPEndPoint? Destination { get; private init; }

    /// <summary>The caller's verified identity; null when it has none.</summary>
    public SpiffeId? Identity { get; private init; }

    /// <summary>
    /// Of a proxied connection. A header has one address family for both ends: an IPv4 address beside an IPv6 one is
    /// mapped (RFC 4291 section 2.5.5.2), where the protocol would also allow to say neither.
    /// </summary>
    public static ProxyHeader Of(IPEndPoint source, IPEndPoint destination, SpiffeId? identity)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        var areIPv4 = IsIPv4(source.Address) && IsIPv4(destination.Address);
        return new ProxyHeader
        {
            Source = InFamily(source, areIPv4),
            Destination = InFamily(destination, areIPv4),
            Identity = identity,
        };
    }

    /// <summary>Of a proxied connection whose ends are not told.</summary>
    public static ProxyHeader WithoutAddresses(SpiffeId? identity) => new() { Identity = identity };

    /// <summary>As a header on the wire has it: both ends are of one family already.</summary>
    internal static ProxyHeader AsWritten(IPEndPoint source, IPEndPoint destination, SpiffeId? identity) =>
        new() { Source = source, Destination = destination, Identity = identity };

    private static bool IsIPv4(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetwork || address.IsIPv4MappedToIPv6;

    private static IPEndPoint InFamily(IPEndPoint end, bool isIPv4)
    {
        var address = isIPv4 ? end.Address.MapToIPv4() : end.Address.MapToIPv6();
        return new IPEndPoint(new IPAddress(address.GetAddressBytes()), end.Port); // a scope is no part of the header
    }
}
