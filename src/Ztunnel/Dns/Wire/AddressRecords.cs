using System.Buffers.Binary;
using System.Net;

namespace Ztunnel.Dns.Wire;

/// <summary>The addresses that an answer holds. RFC 1035 §4.1.3, RFC 3596 §2.2.</summary>
internal static class AddressRecords
{
    private const int FixedLength = 10; // TYPE, CLASS, TTL, RDLENGTH

    /// <summary>
    /// Addresses of the answer section, in its order, whoever's they are: aliases are followed by who answers. Ends where
    /// the octets do.
    /// </summary>
    /// <param name="message">A message with one question.</param>
    /// <param name="type">A or AAAA.</param>
    public static List<IPAddress> Read(ReadOnlySpan<byte> message, ushort type)
    {
        var addresses = new List<IPAddress>();
        if (!DnsMessage.TryRead(message, out var answer))
        {
            return addresses;
        }

        Span<byte> name = stackalloc byte[DnsName.MaxLength];
        var position = answer.QuestionEnd;
        for (var i = 0; i < answer.Header.Answers && DnsName.TryRead(message, ref position, name, out _); i++)
        {
            var recordType = BinaryPrimitives.ReadUInt16BigEndian(message[position..]);
            var recordClass = BinaryPrimitives.ReadUInt16BigEndian(message[(position + 2)..]);
            var length = BinaryPrimitives.ReadUInt16BigEndian(message[(position + FixedLength - 2)..]);
            var data = message.Slice(position + FixedLength, length);
            if ((recordType, recordClass) == (type, DnsType.Internet) && length == (type == DnsType.A ? 4 : 16))
            {
                addresses.Add(new IPAddress(data));
            }

            position += FixedLength + length;
        }

        return addresses;
    }
}
