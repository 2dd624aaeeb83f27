using System.Buffers.Binary;

namespace Ztunnel.Dns.Wire;

/// <summary>What the OPT record of a message says. RFC 6891 §6.1.</summary>
/// <param name="PayloadSize">Octets of UDP payload that its sender can take.</param>
/// <param name="Version">0 is the only one there is.</param>
/// <param name="DnssecOk">Whether DNSSEC records are wanted (RFC 3225).</param>
internal readonly record struct Edns(ushort PayloadSize, byte Version, bool DnssecOk)
{
    /// <summary>Octets of an OPT record without options.</summary>
    public const int RecordLength = 11;

    /// <summary>UDP payload that everybody can take. RFC 1035 §2.3.4, RFC 6891 §6.2.3.</summary>
    public const int SmallestPayload = 512;

    private const uint DnssecOkBit = 0x8000;

    /// <summary>Reads what OPT keeps in CLASS and TTL.</summary>
    public static Edns FromRecord(ushort recordClass, uint timeToLive) =>
        new(recordClass, (byte)(timeToLive >> 16), (timeToLive & DnssecOkBit) != 0);

    /// <summary>Writes the OPT record of an answer to whoever sent this one.</summary>
    /// <param name="destination">Room for <see cref="RecordLength"/> octets.</param>
    /// <param name="code">Response code, whose upper bits go here.</param>
    public void WriteAnswer(Span<byte> destination, DnsCode code)
    {
        destination[0] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(destination[1..], DnsType.Opt);
        BinaryPrimitives.WriteUInt16BigEndian(destination[3..], Math.Max(PayloadSize, (ushort)SmallestPayload));
        BinaryPrimitives.WriteUInt32BigEndian(
            destination[5..], ((uint)code >> 4 << 24) | (DnssecOk ? DnssecOkBit : 0));
        BinaryPrimitives.WriteUInt16BigEndian(destination[9..], 0);
    }
}
