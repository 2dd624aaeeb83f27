using System.Buffers.Binary;
using System.Net;

namespace Ztunnel.Dns.Wire;

/// <summary>Queries for addresses, and the addresses that answers hold. RFC 1035 §4.1, RFC 3596 §2.2.</summary>
internal static class AddressRecords
{
    private const int FixedLength = 10; // TYPE, CLASS, TTL, RDLENGTH
    private const int TypeAndClassLength = 4;

    /// <summary>A recursive query without EDNS, under an id that is nobody's secret: name servers see another.</summary>
    /// <param name="hostname">Lower case, no final dot, labels of 1 to 63 octets, 253 octets at most.</param>
    /// <param name="type">A or AAAA.</param>
    public static byte[] QueryFor(string hostname, ushort type)
    {
        var query = new byte[DnsHeader.Length + DnsName.LengthOf(hostname) + TypeAndClassLength];
        var id = (ushort)Random.Shared.Next(ushort.MaxValue + 1);
        new DnsHeader(id, DnsFlags.RecursionDesired, 1, 0, 0, 0).WriteTo(query);
        DnsName.Write(hostname, query.AsSpan(DnsHeader.Length));
        BinaryPrimitives.WriteUInt16BigEndian(query.AsSpan(query.Length - TypeAndClassLength), type);
        BinaryPrimitives.WriteUInt16BigEndian(query.AsSpan(query.Length - TypeAndClassLength + 2), DnsType.Internet);
        return query;
    }

    /// <summary>
    /// Addresses of the answer section, in its order, whoever's they are: aliases are followed by who answers. Ends where
    /// the octets do.
    /// </summary>
    /// <param name="message">A message with one question.</param>
    /// <param name="type">A or AAAA.</param>
    public static List<IPAddress> Read(ReadOnlySpan<byte> message, ushort type) => Read(message, type, out _);

    /// <inheritdoc cref="Read(ReadOnlySpan{byte}, ushort)"/>
    /// <param name="timeToLive">
    /// How long all of the answer may be kept: its shortest record, aliases included. Zero for no records, and for what RFC
    /// 2181 §8 says is no time.
    /// </param>
    public static List<IPAddress> Read(ReadOnlySpan<byte> message, ushort type, out TimeSpan timeToLive)
    {
        var addresses = new List<IPAddress>();
        timeToLive = TimeSpan.Zero;
        if (!DnsMessage.TryRead(message, out var answer))
        {
            return addresses;
        }

        Span<byte> name = stackalloc byte[DnsName.MaxLength];
        var position = answer.QuestionEnd;
        uint? shortest = null;
        for (var i = 0; i < answer.Header.Answers && DnsName.TryRead(message, ref position, name, out _); i++)
        {
            var recordType = BinaryPrimitives.ReadUInt16BigEndian(message[position..]);
            var recordClass = BinaryPrimitives.ReadUInt16BigEndian(message[(position + 2)..]);
            var seconds = BinaryPrimitives.ReadUInt32BigEndian(message[(position + 4)..]);
            var length = BinaryPrimitives.ReadUInt16BigEndian(message[(position + FixedLength - 2)..]);
            shortest = Math.Min(shortest ?? uint.MaxValue, seconds > int.MaxValue ? 0 : seconds);
            var data = message.Slice(position + FixedLength, length);
            if ((recordType, recordClass) == (type, DnsType.Internet) && length == (type == DnsType.A ? 4 : 16))
            {
                addresses.Add(new IPAddress(data));
            }

            position += FixedLength + length;
        }

        timeToLive = TimeSpan.FromSeconds(shortest ?? 0);
        return addresses;
    }
}
