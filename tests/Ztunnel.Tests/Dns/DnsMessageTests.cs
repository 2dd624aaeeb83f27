using Ztunnel.Dns.Wire;
using static Ztunnel.Tests.Dns.Messages;

namespace Ztunnel.Tests.Dns;

/// <summary>Reading messages, hostile ones too: RFC 1035 §4.1, RFC 6891.</summary>
public sealed class DnsMessageTests
{
    private static readonly byte[] Typical = Query("www.Example.com", DnsType.Aaaa, ednsSize: 1232, dnssecOk: true);

    public static TheoryData<string, byte[]> Malformed => new()
    {
        { "no question where one is announced", Words(1, 0, 1, 0, 0, 0) },
        { "65535 questions", Words(1, 0, 0xffff, 0, 0, 0) },
        { "65535 records", [.. Words(1, 0, 1, 0xffff, 0xffff, 0xffff), .. Name("a"), .. Words(1, 1)] },
        { "pointer to itself", [.. Words(1, 0, 1, 0, 0, 0), 0xc0, 12, .. Words(1, 1)] },
        { "pointers to each other", [.. Words(1, 0, 1, 0, 0, 0), 0xc0, 14, 0xc0, 12, .. Words(1, 1)] },
        { "pointer into the header", [.. Words(1, 0, 1, 0, 0, 0), 0xc0, 4, .. Words(1, 1)] },
        { "pointer forwards", [.. Words(1, 0, 1, 0, 0, 0), 0xc0, 20, .. Words(1, 1), 0, 0, 0] },
        { "label of 64", [.. Words(1, 0, 1, 0, 0, 0), 64, .. new byte[64], 0, .. Words(1, 1)] },
        { "label type 10", [.. Words(1, 0, 1, 0, 0, 0), 0x80, 0, .. Words(1, 1)] },
        { "name of 257", [.. Words(1, 0, 1, 0, 0, 0), .. Name(string.Join('.', Enumerable.Repeat("a", 128))), .. Words(1, 1)] },
        { "two OPT", [.. Words(1, 0, 1, 0, 0, 2), .. Name("a"), .. Words(1, 1), .. Opt(512), .. Opt(512)] },
        { "OPT of a name", [.. Words(1, 0, 1, 0, 0, 1), .. Name("a"), .. Words(1, 1), .. Name("b"), .. Words(41, 512, 0, 0, 0)] },
        { "data longer than the message", [.. Words(1, 0, 1, 0, 0, 1), .. Name("a"), .. Words(1, 1), .. Name("b"), .. Words(1, 1, 0, 0, 9)] },
    };

    [Fact]
    public void Typical_IsReadWhole()
    {
        Assert.True(DnsMessage.TryRead([.. Typical, 1, 2, 3], out var message));

        Assert.Equal(new Edns(1232, 0, DnssecOk: true), message.Edns);
        Assert.Equal((DnsType.Aaaa, DnsType.Internet), (message.Type, message.Class));
        Assert.Equal(Typical.Length, message.Length); // what comes behind is not part of it
        Assert.Equal("www.example.com", DnsName.ToHostname(message.NameIn(Typical)));
        Assert.Equal("www.Example.com.", DnsName.ToText(message.NameIn(Typical)));
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public void Malformed_IsRefused(string what, byte[] octets) =>
        Assert.False(DnsMessage.TryRead(octets, out _), what);

    [Fact]
    public void CutAnywhere_IsRefused()
    {
        for (var length = 0; length < Typical.Length; length++)
        {
            Assert.False(DnsMessage.TryRead(Typical.AsSpan(0, length), out _), $"cut to {length}");
        }
    }

    [Fact]
    public void LongestName_IsRead()
    {
        var name = string.Join('.', Enumerable.Repeat("a", 127)); // 255 octets

        Assert.True(DnsMessage.TryRead(Query(name), out var message));

        Assert.Equal(255, message.NameLength);
        Assert.Equal(name, DnsName.ToHostname(message.NameIn(Query(name))));
    }

    [Theory]
    [InlineData(0x00)]
    [InlineData(0x20)]
    [InlineData(0x2e)]
    [InlineData(0xe4)]
    public void OctetThatNoHostnameHas_IsNobodysInTheMesh(byte octet) =>
        Assert.Null(DnsName.ToHostname([2, (byte)'a', octet, 0]));

    [Fact]
    public void ManyPointers_CostNoMoreThanOneName()
    {
        // Each record's name leads through all before it, and the whole is as long as a message can be.
        var octets = new List<byte>([.. Words(1, 0, 1, 5000, 0, 0), .. Name("a"), .. Words(1, 1)]);
        for (var i = 0; i < 5000; i++)
        {
            var at = i == 0 ? 12 : Math.Min(octets.Count - 12, 0x3fff);
            octets.AddRange([.. Words((ushort)(0xc000 | at)), .. Words(1, 1, 0, 0, 0)]);
        }

        _ = DnsMessage.TryRead([.. octets], out _); // ends
    }

    /// <summary>Whatever the octets are: no exception, and what is read lies within them.</summary>
    [Fact]
    public void AnyOctets_AreReadOrRefused()
    {
        var random = new Random(20_260);
        byte[][] corpus = [Typical, Answer(Query("www.example.com"), address: "10.0.0.1"), .. Malformed.Select(row => row.Data.Item2)];
        for (var i = 0; i < 200_000; i++)
        {
            var octets = Mutate(corpus[random.Next(corpus.Length)], random);

            if (DnsMessage.TryRead(octets, out var message))
            {
                Assert.InRange(message.Length, 12, octets.Length);
                Assert.InRange(message.QuestionEnd, 12, message.Length);
                if (message.NameLength > 0)
                {
                    _ = DnsName.ToHostname(message.NameIn(octets));
                    _ = DnsName.ToText(message.NameIn(octets));
                    using var reply = new DnsReply();
                    ReplyWriter.WriteCode(reply, octets, message, DnsCode.ServerFailure);
                    Assert.True(DnsMessage.TryRead(reply.Span, out _));
                }
            }
        }
    }

    private static byte[] Mutate(byte[] origin, Random random)
    {
        var octets = (byte[])origin.Clone();
        for (var changes = random.Next(4); changes >= 0; changes--)
        {
            var at = random.Next(octets.Length);
            octets = random.Next(5) switch
            {
                0 => octets[..at],
                1 => [.. octets[..at], (byte)random.Next(256), .. octets[at..]],
                2 => [.. octets, .. octets[at..]],
                _ => Replaced(octets, at, random),
            };
            octets = octets.Length == 0 ? [0] : octets;
        }

        return octets;
    }

    private static byte[] Replaced(byte[] octets, int at, Random random)
    {
        ReadOnlySpan<byte> telling = [0, 1, 12, 63, 64, 0x80, 0xbf, 0xc0, 0xff];
        octets[at] = random.Next(2) == 0 ? telling[random.Next(telling.Length)] : (byte)random.Next(256);
        return octets;
    }
}
