using System.Net;

namespace Redirection;

/// <summary>
/// Turns IPv4-mapped IPv6 addresses (<c>::ffff:a.b.c.d</c>, RFC 4291 section 2.5.5.2), which dual-stack sockets report, back
/// into IPv4.
/// </summary>
public static class MappedAddressExtensions
{
    /// <summary>The IPv4 address inside a mapped one; any other address as it is.</summary>
    public static IPAddress Unmapped(this IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    /// <summary>The end point with its address unmapped.</summary>
    public static IPEndPoint Unmapped(this IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        return endPoint.Address.IsIPv4MappedToIPv6
            ? new IPEndPoint(endPoint.Address.MapToIPv4(), endPoint.Port)
            : endPoint;
    }
}
