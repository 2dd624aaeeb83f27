using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Hbone.Proxying.ProxyProtocol;

/// <summary>Writes PROXY protocol headers, version 2 (<see cref="ProxyProtocolFormat"/>).</summary>
public static class ProxyHeaderWriter
{
    /// <summary>The whole header.</summary>
    /// <exception cref="ArgumentException">
    /// The identity is not ASCII or longer than a header holds; none that was read from a certificate is.
    /// </exception>
    public static byte[] Write(ProxyHeader header)
    {
        ArgumentNullException.ThrowIfNull(header);
        var addressLength = header.Source?.Address.GetAddressBytes().Length;
        var addressesLength = addressLength is null ? 0 : (2 * addressLength.Value) + ProxyProtocolFormat.PortsLength;
        var identity = header.Identity?.ToString();
        var length = addressesLength + (identity is null ? 0 : ProxyProtocolFormat.ValueHeaderLength + identity.Length);
        if (length > ushort.MaxValue || (identity is not null && !Ascii.IsValid(identity)))
        {
            throw new ArgumentException($"identity of {identity?.Length} characters does not go into a PROXY header");
        }

        var octets = new byte[ProxyProtocolFormat.FixedLength + length];
        ProxyProtocolFormat.Signature.CopyTo(octets);
        octets[ProxyProtocolFormat.CommandOffset] =
            header.IsLocal ? ProxyProtocolFormat.Local : ProxyProtocolFormat.Proxy;
        octets[ProxyProtocolFormat.FamilyOffset] = FamilyOf(header, addressLength);
        BinaryPrimitives.WriteUInt16BigEndian(octets.AsSpan(ProxyProtocolFormat.LengthOffset), (ushort)length);
        var rest = octets.AsSpan(ProxyProtocolFormat.FixedLength);
        if (header is { Source: { } source, Destination: { } destination })
        {
            rest = WriteAddresses(rest, source, destination);
        }

        if (identity is not null)
        {
            rest[0] = ProxyProtocolFormat.IdentityType;
            BinaryPrimitives.WriteUInt16BigEndian(rest[1..], (ushort)identity.Length);
            Encoding.ASCII.GetBytes(identity, rest[ProxyProtocolFormat.ValueHeaderLength..]);
        }

        return octets;
    }

    private static byte FamilyOf(ProxyHeader header, int? addressLength) => addressLength switch
    {
        ProxyProtocolFormat.IPv4Length => ProxyProtocolFormat.TcpOverIPv4,
        ProxyProtocolFormat.IPv6Length => ProxyProtocolFormat.TcpOverIPv6,
        _ => header.IsLocal ? ProxyProtocolFormat.Unspecified : ProxyProtocolFormat.UnspecifiedStream,
    };

    private static Span<byte> WriteAddresses(Span<byte> octets, IPEndPoint source, IPEndPoint destination)
    {
        source.Address.TryWriteBytes(octets, out var length);
        destination.Address.TryWriteBytes(octets[length..], out _);
        var ports = octets[(2 * length)..];
        BinaryPrimitives.WriteUInt16BigEndian(ports, (ushort)source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(ports[2..], (ushort)destination.Port);
        return ports[ProxyProtocolFormat.PortsLength..];
    }
}
