using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using Hbone.Tls;

namespace Hbone.Proxying.ProxyProtocol;

/// <summary>
/// Reads PROXY protocol headers, version 2 (<see cref="ProxyProtocolFormat"/>). Synchronous: offered what has arrived, it
/// takes a whole header or nothing, and refuses what can no longer become one.
/// </summary>
public static class ProxyHeaderReader
{
    private const int MaxLength = ProxyProtocolFormat.FixedLength + ushort.MaxValue;
    private const int StackLength = 512;

    /// <summary>Takes a header from the front of what has arrived.</summary>
    /// <returns>False when more is needed; nothing was taken then.</returns>
    /// <exception cref="ProxyProtocolException">This is no header, and more octets would not make it one.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> buffer, [NotNullWhen(true)] out ProxyHeader? header)
    {
        var available = buffer.Slice(0, Math.Min(buffer.Length, MaxLength));
        if (available.IsSingleSegment)
        {
            return Take(ref buffer, TryRead(available.FirstSpan, out header));
        }

        // Only the octets of the header, which is short: what follows belongs to others and may be long.
        Span<byte> start = stackalloc byte[ProxyProtocolFormat.FixedLength];
        var started = (int)Math.Min(available.Length, start.Length);
        available.Slice(0, started).CopyTo(start);
        var length = (int)Math.Min(available.Length, LengthOf(start[..started]) ?? 0);
        var rented = length > StackLength ? ArrayPool<byte>.Shared.Rent(length) : null;
        try
        {
            var whole = rented is null ? stackalloc byte[StackLength] : rented;
            available.Slice(0, length).CopyTo(whole);
            return Take(ref buffer, TryRead(whole[..length], out header));
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }
    }

    private static bool Take(ref ReadOnlySequence<byte> buffer, int taken)
    {
        buffer = buffer.Slice(taken);
        return taken > 0;
    }

    // Returns the octets of the header; 0 when more are needed.
    private static int TryRead(ReadOnlySpan<byte> octets, out ProxyHeader? header)
    {
        header = null;
        if (LengthOf(octets) is not { } length || octets.Length < length)
        {
            return 0;
        }

        header = octets[ProxyProtocolFormat.CommandOffset] == ProxyProtocolFormat.Local
            ? ProxyHeader.Local // whatever follows is to be skipped
            : ReadProxied(octets[ProxyProtocolFormat.FamilyOffset], octets[ProxyProtocolFormat.FixedLength..length]);
        return length;
    }

    // Checks what is there of the fixed part; null while it is not whole.
    private static int? LengthOf(ReadOnlySpan<byte> octets)
    {
        var signature = octets[..Math.Min(octets.Length, ProxyProtocolFormat.Signature.Length)];
        if (!ProxyProtocolFormat.Signature.StartsWith(signature))
        {
            throw new ProxyProtocolException("not a PROXY protocol header of version 2: its signature is missing");
        }

        if (octets.Length > ProxyProtocolFormat.CommandOffset
            && octets[ProxyProtocolFormat.CommandOffset] is not (ProxyProtocolFormat.Local or ProxyProtocolFormat.Proxy))
        {
            throw new ProxyProtocolException(
                $"PROXY protocol version and command 0x{octets[ProxyProtocolFormat.CommandOffset]:x2}, "
                + "but only 0x20 (LOCAL) and 0x21 (PROXY) exist in version 2");
        }

        return octets.Length < ProxyProtocolFormat.FixedLength
            ? null
            : ProxyProtocolFormat.FixedLength
                + BinaryPrimitives.ReadUInt16BigEndian(octets[ProxyProtocolFormat.LengthOffset..]);
    }

    private static ProxyHeader ReadProxied(byte family, ReadOnlySpan<byte> rest)
    {
        var addressLength = family switch
        {
            ProxyProtocolFormat.TcpOverIPv4 => ProxyProtocolFormat.IPv4Length,
            ProxyProtocolFormat.TcpOverIPv6 => ProxyProtocolFormat.IPv6Length,
            ProxyProtocolFormat.Unspecified or ProxyProtocolFormat.UnspecifiedStream => 0,
            _ => throw new ProxyProtocolException(
                $"PROXY protocol address family and protocol 0x{family:x2} are not those of TCP over IPv4 or IPv6"),
        };
        if (addressLength == 0)
        {
            return ProxyHeader.WithoutAddresses(ReadIdentity(rest));
        }

        var addressesLength = (2 * addressLength) + ProxyProtocolFormat.PortsLength;
        if (rest.Length < addressesLength)
        {
            throw new ProxyProtocolException(
                $"PROXY protocol header holds {rest.Length} octets, but its addresses need {addressesLength}");
        }

        var ports = rest[(2 * addressLength)..];
        return ProxyHeader.AsWritten(
            new(new IPAddress(rest[..addressLength]), BinaryPrimitives.ReadUInt16BigEndian(ports)),
            new(
                new IPAddress(rest.Slice(addressLength, addressLength)),
                BinaryPrimitives.ReadUInt16BigEndian(ports[2..])),
            ReadIdentity(rest[addressesLength..]));
    }

    // Types that are not ours are skipped: the protocol wants that of receivers.
    private static SpiffeId? ReadIdentity(ReadOnlySpan<byte> values)
    {
        SpiffeId? identity = null;
        while (!values.IsEmpty)
        {
            var length = values.Length < ProxyProtocolFormat.ValueHeaderLength
                ? ushort.MaxValue
                : BinaryPrimitives.ReadUInt16BigEndian(values[1..]);
            if (length > values.Length - ProxyProtocolFormat.ValueHeaderLength)
            {
                throw new ProxyProtocolException(
                    $"PROXY protocol value of type 0x{values[0]:x2} is longer than the {values.Length} octets left");
            }

            var value = values.Slice(ProxyProtocolFormat.ValueHeaderLength, length);
            if (values[0] == ProxyProtocolFormat.IdentityType)
            {
                identity = identity is null && Ascii.IsValid(value)
                    && SpiffeId.TryParse(Encoding.ASCII.GetString(value), out var id)
                        ? id
                        : throw new ProxyProtocolException(
                            "PROXY protocol identity (type 0xd0) is no SPIFFE ID, or there are two");
            }

            values = values[(ProxyProtocolFormat.ValueHeaderLength + length)..];
        }

        return identity;
    }
}
