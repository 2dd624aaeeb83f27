using System.Net;
using Google.Protobuf;
using Ztunnel.Mesh;

namespace Ztunnel.Xds.Decoding;

/// <summary>Addresses as the control plane sends them: 4 or 16 bytes in network order.</summary>
internal static class AddressBytes
{
    /// <summary>Prefix of IPv4-mapped IPv6 addresses, RFC 4291 section 2.5.5.2.</summary>
    private const int MappedPrefixLength = 96;

    /// <summary>IPv4-mapped IPv6 becomes IPv4, which is how connections show it.</summary>
    /// <exception cref="ResourceRejectedException">The length is another one.</exception>
    public static IPAddress ToAddress(ByteString bytes) => ToAddress(bytes.Span);

    /// <inheritdoc cref="ToAddress(ByteString)"/>
    public static IPAddress ToAddress(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length is not (4 or 16))
        {
            throw new ResourceRejectedException($"invalid IP address of {bytes.Length} bytes, expected 4 or 16");
        }

        var address = new IPAddress(bytes);
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    /// <summary>The range of that length around an address.</summary>
    /// <exception cref="ResourceRejectedException">There is no such address or range.</exception>
    public static IPNetwork ToRange(ByteString bytes, uint length)
    {
        var address = ToAddress(bytes);
        if (length > bytes.Length * 8)
        {
            throw new ResourceRejectedException($"invalid prefix length {length} of {address}");
        }

        if (bytes.Length == 4 || !new IPAddress(bytes.Span).IsIPv4MappedToIPv6)
        {
            return Cidr.Containing(address, (int)length);
        }

        return length >= MappedPrefixLength
            ? Cidr.Containing(address, (int)length - MappedPrefixLength)
            : Cidr.Containing(new IPAddress(bytes.Span), (int)length);
    }
}
