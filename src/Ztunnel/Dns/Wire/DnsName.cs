using System.Text;

namespace Ztunnel.Dns.Wire;

/// <summary>
/// Domain names: labels of 1 to 63 octets, each behind its length, up to an empty one; 255 octets at most. RFC 1035 §3.1.
/// </summary>
internal static class DnsName
{
    /// <summary>Octets of the longest name, lengths and the empty label included.</summary>
    public const int MaxLength = 255;

    private const int MaxLabelLength = 63;
    private const byte PointerMask = 0xc0;

    /// <summary>Reads a name, following compression (RFC 1035 §4.1.4).</summary>
    /// <param name="message">The whole message.</param>
    /// <param name="position">Start of the name; afterwards the first octet behind it.</param>
    /// <param name="name">At least 255 octets, for the name without pointers.</param>
    /// <param name="length">Octets of the name.</param>
    /// <returns>
    /// False when it is malformed: cut off, too long, a label type that is not in use (RFC 6891 §5), or a pointer that
    /// does not lead strictly backwards to behind the header. So every chain of pointers ends.
    /// </returns>
    public static bool TryRead(ReadOnlySpan<byte> message, ref int position, Span<byte> name, out int length)
    {
        length = 0;
        var cursor = position;
        var segment = cursor; // pointers have to lead to before this
        var followed = false;
        while ((uint)cursor < (uint)message.Length)
        {
            var octet = message[cursor];
            if ((octet & PointerMask) == PointerMask)
            {
                if (cursor + 1 >= message.Length)
                {
                    return false;
                }

                var target = ((octet & ~PointerMask) << 8) | message[cursor + 1];
                if (target < DnsHeader.Length || target >= segment)
                {
                    return false;
                }

                position = followed ? position : cursor + 2;
                followed = true;
                cursor = segment = target;
                continue;
            }

            if (octet > MaxLabelLength || cursor + 1 + octet > message.Length || length + 1 + octet > MaxLength)
            {
                return false;
            }

            message.Slice(cursor, 1 + octet).CopyTo(name[length..]);
            length += 1 + octet;
            cursor += 1 + octet;
            if (octet == 0)
            {
                position = followed ? position : cursor;
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// The lower-case text of an uncompressed name, without the final dot; null for the root and for names with octets
    /// that no hostname has: those are nobody's in the mesh.
    /// </summary>
    public static string? ToHostname(ReadOnlySpan<byte> name)
    {
        Span<char> text = stackalloc char[MaxLength];
        var length = 0;
        for (var i = 0; name[i] != 0; i += 1 + name[i])
        {
            foreach (var octet in name.Slice(i + 1, name[i]))
            {
                if (octet is <= (byte)' ' or >= 0x7f or (byte)'.')
                {
                    return null;
                }

                text[length++] = char.ToLowerInvariant((char)octet);
            }

            text[length++] = '.';
        }

        return length == 0 ? null : new string(text[..(length - 1)]);
    }

    /// <summary>For logs: with the final dot, octets that are no letters of a hostname as <c>\ddd</c> (RFC 1035 §5.1).</summary>
    public static string ToText(ReadOnlySpan<byte> name)
    {
        var text = new StringBuilder();
        for (var i = 0; name[i] != 0; i += 1 + name[i])
        {
            foreach (var octet in name.Slice(i + 1, name[i]))
            {
                if (octet is <= (byte)' ' or >= 0x7f or (byte)'.' or (byte)'\\')
                {
                    text.Append('\\').Append(octet.ToString("D3", null));
                }
                else
                {
                    text.Append((char)octet);
                }
            }

            text.Append('.');
        }

        return text.Length == 0 ? "." : text.ToString();
    }

    /// <summary>Octets of a hostname on the wire.</summary>
    public static int LengthOf(string hostname) => hostname.Length + 2;

    /// <summary>Writes a hostname that came out of <see cref="ToHostname"/>, or a part of one, uncompressed.</summary>
    public static int Write(string hostname, Span<byte> destination)
    {
        var start = 0;
        for (var i = 0; i <= hostname.Length; i++)
        {
            if (i == hostname.Length || hostname[i] == '.')
            {
                destination[start] = (byte)(i - start);
                start = i + 1;
            }
            else
            {
                destination[i + 1] = (byte)hostname[i];
            }
        }

        destination[start] = 0;
        return start + 1;
    }

    /// <summary>Whether two uncompressed names mean the same. RFC 1035 §2.3.3: the case of ASCII letters does not count.</summary>
    public static bool AreEqual(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other)
    {
        if (one.Length != other.Length)
        {
            return false;
        }

        for (var i = 0; i < one.Length; i++)
        {
            if (ToLower(one[i]) != ToLower(other[i]))
            {
                return false;
            }
        }

        return true;
    }

    // Lengths of labels are below the letters, so they may go through this, too.
    private static byte ToLower(byte octet) => octet is >= (byte)'A' and <= (byte)'Z' ? (byte)(octet | 0x20) : octet;
}
