using System.Buffers.Binary;

namespace Ztunnel.Dns.Wire;

/// <summary>The first twelve octets of a message. RFC 1035 §4.1.1.</summary>
/// <param name="Id">Chosen by the one who asks.</param>
/// <param name="Flags">Second word, see <see cref="DnsFlags"/>.</param>
/// <param name="Questions">QDCOUNT.</param>
/// <param name="Answers">ANCOUNT.</param>
/// <param name="Authorities">NSCOUNT.</param>
/// <param name="Additionals">ARCOUNT.</param>
internal readonly record struct DnsHeader(
    ushort Id, ushort Flags, ushort Questions, ushort Answers, ushort Authorities, ushort Additionals)
{
    /// <summary>Octets of a header.</summary>
    public const int Length = 12;

    /// <summary>Whether this answers something.</summary>
    public bool IsResponse => (Flags & DnsFlags.Response) != 0;

    /// <summary>Kind of query.</summary>
    public DnsOpcode Opcode => (DnsOpcode)((Flags >> 11) & 0xf);

    /// <summary>The low four bits of the response code.</summary>
    public DnsCode Code => (DnsCode)(Flags & 0xf);

    /// <summary>False when there are fewer than twelve octets.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, out DnsHeader header)
    {
        header = default;
        if (message.Length < Length)
        {
            return false;
        }

        header = new DnsHeader(Word(message, 0), Word(message, 1), Word(message, 2), Word(message, 3), Word(message, 4),
            Word(message, 5));
        return true;
    }

    /// <summary>Writes the twelve octets.</summary>
    public void WriteTo(Span<byte> message)
    {
        ReadOnlySpan<ushort> words = [Id, Flags, Questions, Answers, Authorities, Additionals];
        for (var i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(message[(2 * i)..], words[i]);
        }
    }

    private static ushort Word(ReadOnlySpan<byte> message, int index) =>
        BinaryPrimitives.ReadUInt16BigEndian(message[(2 * index)..]);
}

/// <summary>Bits of the second header word. RFC 1035 §4.1.1, RFC 4035 §3.2 for CD.</summary>
internal static class DnsFlags
{
    public const ushort Response = 0x8000;
    public const ushort OpcodeMask = 0x7800;
    public const ushort Authoritative = 0x0400;
    public const ushort Truncated = 0x0200;
    public const ushort RecursionDesired = 0x0100;
    public const ushort RecursionAvailable = 0x0080;
    public const ushort CheckingDisabled = 0x0010;
}

/// <summary>Kinds of query (IANA DNS OpCodes).</summary>
internal enum DnsOpcode
{
    Query = 0,

    /// <summary>RFC 1996.</summary>
    Notify = 4,

    /// <summary>RFC 2136.</summary>
    Update = 5,
}

/// <summary>Response codes (IANA DNS RCODEs).</summary>
internal enum DnsCode
{
    NoError = 0,
    FormatError = 1,
    ServerFailure = 2,
    NameError = 3,
    NotImplemented = 4,
    Refused = 5,

    /// <summary>BADVERS, RFC 6891 §9: does not fit the header, its upper bits are in the OPT record.</summary>
    BadVersion = 16,
}
