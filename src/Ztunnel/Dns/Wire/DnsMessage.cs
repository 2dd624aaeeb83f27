using System.Buffers.Binary;

namespace Ztunnel.Dns.Wire;

/// <summary>
/// What this proxy has to know of a message; all else stays the octets that it is. RFC 1035 §4.1, RFC 6891. Data of
/// records is not looked into, so types that nobody knows yet pass unchanged.
/// </summary>
internal readonly record struct DnsMessage
{
    /// <summary>The longest message: TCP has two octets for its length. RFC 1035 §4.2.2.</summary>
    public const int MaxLength = ushort.MaxValue;

    private const int TypeAndClassLength = 4;
    private const int RecordFixedLength = 10; // TYPE, CLASS, TTL, RDLENGTH

    /// <summary>The header.</summary>
    public DnsHeader Header { get; private init; }

    /// <summary>Octets of the only question's name, uncompressed as first names are; 0 unless there is one question.</summary>
    public int NameLength { get; private init; }

    /// <summary>QTYPE of the only question.</summary>
    public ushort Type { get; private init; }

    /// <summary>QCLASS of the only question.</summary>
    public ushort Class { get; private init; }

    /// <summary>What the sender says of itself; null without OPT record.</summary>
    public Edns? Edns { get; private init; }

    /// <summary>Octets up to the end of the last record. What comes behind is no part of the message.</summary>
    public int Length { get; private init; }

    /// <summary>Octets of header and question.</summary>
    public int QuestionEnd => DnsHeader.Length + (NameLength == 0 ? 0 : NameLength + TypeAndClassLength);

    /// <summary>The question's name on the wire.</summary>
    public ReadOnlySpan<byte> NameIn(ReadOnlySpan<byte> message) => message.Slice(DnsHeader.Length, NameLength);

    /// <summary>The question section of one question on the wire.</summary>
    public ReadOnlySpan<byte> QuestionIn(ReadOnlySpan<byte> message) => message[DnsHeader.Length..QuestionEnd];

    /// <summary>A message of which only the header is of use.</summary>
    public static DnsMessage OfHeader(DnsHeader header) => new() { Header = header, Length = DnsHeader.Length };

    /// <summary>
    /// Reads a message. False when it is malformed: cut off, a bad name, more records than octets, two OPT records or one
    /// that is not the root's.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> octets, out DnsMessage message)
    {
        message = default;
        if (!DnsHeader.TryRead(octets, out var header))
        {
            return false;
        }

        Span<byte> name = stackalloc byte[DnsName.MaxLength];
        var position = DnsHeader.Length;
        var result = new DnsMessage { Header = header };
        for (var i = 0; i < header.Questions; i++)
        {
            if (!DnsName.TryRead(octets, ref position, name, out var length)
                || position + TypeAndClassLength > octets.Length)
            {
                return false;
            }

            if (header.Questions == 1)
            {
                result = result with
                {
                    NameLength = length,
                    Type = BinaryPrimitives.ReadUInt16BigEndian(octets[position..]),
                    Class = BinaryPrimitives.ReadUInt16BigEndian(octets[(position + 2)..]),
                };
            }

            position += TypeAndClassLength;
        }

        var records = header.Answers + header.Authorities;
        if (!TrySkipRecords(octets, ref position, records, name)
            || !TryReadAdditionals(octets, ref position, header.Additionals, name, out var edns))
        {
            return false;
        }

        message = result with { Edns = edns, Length = position };
        return true;
    }

    private static bool TrySkipRecords(ReadOnlySpan<byte> octets, ref int position, int count, Span<byte> name)
    {
        for (var i = 0; i < count; i++)
        {
            if (!DnsName.TryRead(octets, ref position, name, out _) || !TrySkipBody(octets, ref position))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryReadAdditionals(
        ReadOnlySpan<byte> octets, ref int position, int count, Span<byte> name, out Edns? edns)
    {
        edns = null;
        for (var i = 0; i < count; i++)
        {
            if (!DnsName.TryRead(octets, ref position, name, out var length))
            {
                return false;
            }

            var body = position;
            if (!TrySkipBody(octets, ref position))
            {
                return false;
            }

            if (BinaryPrimitives.ReadUInt16BigEndian(octets[body..]) == DnsType.Opt)
            {
                if (edns is not null || length != 1)
                {
                    return false; // RFC 6891 §6.1.1
                }

                edns = Wire.Edns.FromRecord(
                    BinaryPrimitives.ReadUInt16BigEndian(octets[(body + 2)..]),
                    BinaryPrimitives.ReadUInt32BigEndian(octets[(body + 4)..]));
            }
        }

        return true;
    }

    private static bool TrySkipBody(ReadOnlySpan<byte> octets, ref int position)
    {
        if (position + RecordFixedLength > octets.Length)
        {
            return false;
        }

        var dataLength = BinaryPrimitives.ReadUInt16BigEndian(octets[(position + RecordFixedLength - 2)..]);
        position += RecordFixedLength + dataLength;
        return position <= octets.Length;
    }
}
