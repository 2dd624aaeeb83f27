using System.Buffers.Binary;
using System.Net;
using System.Text;
using Ztunnel.Dns.Wire;

namespace Ztunnel.Tests.Dns;

/// <summary>Messages as others write and read them, octet by octet and without the code under test.</summary>
internal static class Messages
{
    public const ushort RecursionDesired = 0x0100;

    public static byte[] Query(
        string name,
        ushort type = DnsType.A,
        ushort id = 0x1234,
        ushort flags = RecursionDesired,
        int? ednsSize = null,
        byte ednsVersion = 0,
        bool dnssecOk = false,
        ushort recordClass = DnsType.Internet) =>
    [
        .. Words(id, flags, 1, 0, 0, (ushort)(ednsSize is null ? 0 : 1)),
        .. Name(name),
        .. Words(type, recordClass),
        .. ednsSize is { } size ? Opt(size, ednsVersion, dnssecOk) : [],
    ];

    public static byte[] Opt(int size, byte version = 0, bool dnssecOk = false) =>
        [0, .. Words(DnsType.Opt, (ushort)size, version, (ushort)(dnssecOk ? 0x8000 : 0), 0)];

    public static byte[] Words(params ReadOnlySpan<ushort> words)
    {
        var octets = new byte[2 * words.Length];
        for (var i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(octets.AsSpan(2 * i), words[i]);
        }

        return octets;
    }

    public static byte[] Name(string name)
    {
        var octets = new List<byte>();
        foreach (var label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            octets.Add((byte)label.Length);
            octets.AddRange(Encoding.ASCII.GetBytes(label));
        }

        return [.. octets, 0];
    }

    /// <summary>An answer to a query: its id and question, these flags, and A records with that address.</summary>
    public static byte[] Answer(byte[] query, ushort flags = 0x8180, string? address = null)
    {
        var end = 12;
        while (query[end] != 0)
        {
            end += query[end] + 1;
        }

        end += 5;
        var count = (ushort)(address is null ? 0 : 1);
        return
        [
            query[0], query[1], .. Words(flags, 1, count, 0, 0),
            .. query[12..end],
            .. address is null
                ? (byte[])[]
                : [0xc0, 12, .. Words(DnsType.A, DnsType.Internet, 0, 60, 4), .. IPAddress.Parse(address).GetAddressBytes()],
        ];
    }
}
