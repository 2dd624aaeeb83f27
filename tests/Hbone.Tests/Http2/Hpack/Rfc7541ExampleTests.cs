using System.Buffers;
using Hbone.Http2.Hpack;
using Hbone.Tests.Http2.Requirements;
using static Hbone.Tests.Http2.Hpack.HeaderBlocks;

namespace Hbone.Tests.Http2.Hpack;

/// <summary>The examples of RFC 7541 appendix C.</summary>
public class Rfc7541ExampleTests
{
    private const int ResponseTableSize = 256; // C.5, C.6

    private static readonly HeaderField Authority = new(":authority", "www.example.com");
    private static readonly HeaderField NoCache = new("cache-control", "no-cache");
    private static readonly HeaderField Custom = new("custom-key", "custom-value");
    private static readonly HeaderField Status302 = new(":status", "302");
    private static readonly HeaderField Status307 = new(":status", "307");
    private static readonly HeaderField Private = new("cache-control", "private");
    private static readonly HeaderField Date21 = new("date", "Mon, 21 Oct 2013 20:13:21 GMT");
    private static readonly HeaderField Date22 = new("date", "Mon, 21 Oct 2013 20:13:22 GMT");
    private static readonly HeaderField Location = new("location", "https://www.example.com");
    private static readonly HeaderField Gzip = new("content-encoding", "gzip");

    private static readonly HeaderField Cookie =
        new("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1");

    private static readonly HeaderField[][] Requests =
    [
        [new(":method", "GET"), new(":scheme", "http"), new(":path", "/"), Authority],
        [new(":method", "GET"), new(":scheme", "http"), new(":path", "/"), Authority, NoCache],
        [new(":method", "GET"), new(":scheme", "https"), new(":path", "/index.html"), Authority, Custom],
    ];

    private static readonly HeaderField[][] RequestTables =
        [[Authority], [NoCache, Authority], [Custom, NoCache, Authority]];

    private static readonly HeaderField[][] Responses =
    [
        [Status302, Private, Date21, Location],
        [Status307, Private, Date21, Location],
        [new(":status", "200"), Private, Date22, Location, Gzip, Cookie],
    ];

    private static readonly HeaderField[][] ResponseTables =
    [
        [Location, Date21, Private, Status302],
        [Status307, Location, Date21, Private],
        [Cookie, Gzip, Date22],
    ];

    private static readonly string[] PlainRequestBlocks =
    [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ];

    private static readonly string[] HuffmanRequestBlocks =
    [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ];

    private static readonly string[] PlainResponseBlocks =
    [
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120"
            + "474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738"
            + "666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765"
            + "3d33 3630 303b 2076 6572 7369 6f6e 3d31",
    ];

    private static readonly string[] HuffmanResponseBlocks =
    [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718"
            + "63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7"
            + "b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ];

    [Theory]
    [InlineData(10, 5, "0a")] // C.1.1
    [InlineData(1337, 5, "1f9a0a")] // C.1.2
    [InlineData(42, 8, "2a")] // C.1.3
    [Requirement("7541-5.1-1")]
    public void Integer_AppendixC1_BothWays(int value, int prefixBits, string hex)
    {
        var output = new ArrayBufferWriter<byte>();
        HpackWriter.WriteInteger(new FieldRepresentation(0, prefixBits), value, output);
        Assert.Equal(Hex(hex), output.WrittenSpan.ToArray());

        var reader = new HpackReader(Hex(hex));
        Assert.Equal(value, reader.ReadInteger(prefixBits));
        Assert.True(reader.IsAtEnd);
    }

    [Fact]
    public void Decode_AppendixC21LiteralWithIndexing_FieldIsRemembered()
    {
        var decoder = NewDecoder();

        var fields = decoder.DecodeAll(Hex("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572"));

        Assert.Equal([new HeaderField("custom-key", "custom-header")], fields);
        AssertTable(decoder, [new HeaderField("custom-key", "custom-header")]);
    }

    [Fact]
    public void Decode_AppendixC22LiteralWithoutIndexing_FieldIsForgotten()
    {
        var decoder = NewDecoder();

        var fields = decoder.DecodeAll(Hex("040c 2f73 616d 706c 652f 7061 7468"));

        Assert.Equal([new HeaderField(":path", "/sample/path")], fields);
        AssertTable(decoder, []);
    }

    [Fact]
    [Requirement("7541-6.2.3-1")]
    public void Decode_AppendixC23LiteralNeverIndexed_FlagIsHandedOut()
    {
        var decoder = NewDecoder();

        var fields = decoder.DecodeAll(Hex("1008 7061 7373 776f 7264 0673 6563 7265 74"));

        Assert.Equal([new HeaderField("password", "secret", NeverIndexed: true)], fields);
        AssertTable(decoder, []);
    }

    [Fact]
    public void Decode_AppendixC24Indexed_FieldOfStaticTable() =>
        Assert.Equal([new HeaderField(":method", "GET")], NewDecoder().DecodeAll([0x82]));

    [Fact]
    [Requirement("7541-2.1-1", "7541-3.2-1")]
    public void Decode_AppendixC3RequestsWithoutHuffman_FieldsAndTables() =>
        AssertDecodes(NewDecoder(), PlainRequestBlocks, Requests, RequestTables);

    [Fact]
    public void Decode_AppendixC4RequestsWithHuffman_FieldsAndTables() =>
        AssertDecodes(NewDecoder(), HuffmanRequestBlocks, Requests, RequestTables);

    [Fact]
    [Requirement("7541-2.1-1", "7541-3.2-1", "7541-4.1-1", "7541-4.4-1")]
    public void Decode_AppendixC5ResponsesWithoutHuffman_FieldsAndTables() =>
        AssertDecodes(NewDecoder(ResponseTableSize), PlainResponseBlocks, Responses, ResponseTables);

    [Fact]
    public void Decode_AppendixC6ResponsesWithHuffman_FieldsAndTables() =>
        AssertDecodes(NewDecoder(ResponseTableSize), HuffmanResponseBlocks, Responses, ResponseTables);

    [Fact]
    [Requirement("7541-5.2-1")]
    public void Encode_AppendixC4Requests_SameOctets()
    {
        var encoder = new HpackEncoder();

        Assert.Equal(HuffmanRequestBlocks.Select(Hex), Requests.Select(request => encoder.EncodeAll(request)));
    }

    [Fact]
    public void Encode_AppendixC6Responses_SameOctetsAfterTheSizeUpdate()
    {
        var encoder = new HpackEncoder();
        encoder.SetMaxDynamicTableSize(ResponseTableSize);
        Assert.Equal(Hex("3fe101"), encoder.EncodeAll());

        Assert.Equal(HuffmanResponseBlocks.Select(Hex), Responses.Select(response => encoder.EncodeAll(response)));
    }

    private static void AssertDecodes(
        HpackDecoder decoder, string[] blocks, HeaderField[][] lists, HeaderField[][] tables)
    {
        for (var step = 0; step < blocks.Length; step++)
        {
            Assert.Equal(lists[step], decoder.DecodeAll(Hex(blocks[step])));
            AssertTable(decoder, tables[step]);
        }
    }

    private static void AssertTable(HpackDecoder decoder, HeaderField[] expected)
    {
        Assert.Equal(expected, decoder.DynamicEntries(expected.Length));

        var beyond = (byte)(0x80 | (StaticTable.Count + expected.Length + 1));
        Assert.Throws<HpackException>(() => decoder.DecodeAll([beyond]));
    }
}
