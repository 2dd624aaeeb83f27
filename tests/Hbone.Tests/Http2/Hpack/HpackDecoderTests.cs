using System.Buffers;
using Hbone.Http2.Hpack;
using Hbone.Tests.Http2.Requirements;
using static Hbone.Tests.Http2.Hpack.HeaderBlocks;

namespace Hbone.Tests.Http2.Hpack;

public class HpackDecoderTests
{
    // :method CONNECT, :authority 10.77.0.2:7007, forwarded for="10.77.0.1:41716", as recorded.
    private static readonly byte[] ConnectBlock =
        Hex("4287bdab4e9c17b7ff 418a081775d5c0b8ae3a003b 408794f6781d92164f 9094f641fc840bbaeae05c371a0ba173f9");

    private static readonly HeaderField[] ConnectFields =
    [
        new(":method", "CONNECT"), new(":authority", "10.77.0.2:7007"), new("forwarded", "for=\"10.77.0.1:41716\""),
    ];

    // Where the block's fields begin.
    private static readonly int[] FieldStarts = [0, 9, 21];

    public static TheoryData<int> Cuts => [.. Enumerable.Range(0, ConnectBlock.Length)];

    [Theory]
    [InlineData("80")] // indexed field 0
    [InlineData("be")] // first dynamic entry of an empty table
    [InlineData("ff00")] // 127
    [InlineData("7e0161")] // name of an entry that is not there, with indexing
    [InlineData("0f3001 61")] // the same, without
    [InlineData("ffffffffff07")] // 2^31-1+127, above the largest integer
    [InlineData("ff808080808000")] // six octets of continuation, all zero
    [InlineData("0f")] // integer without its continuation
    [InlineData("0f80")]
    [InlineData("82 3f")]
    [InlineData("00")] // no name
    [InlineData("0001")] // name without its octet
    [InlineData("000161")] // no value
    [InlineData("0001610261")] // value one octet short
    [InlineData("007fffffffff07")] // name of 2^31-1+127 octets
    [InlineData("007f80ffffff07 61")] // name of nearly 2^31 octets, one of them there
    [InlineData("000081ff")] // value of eight ones
    [InlineData("000084ffffffff")] // value is the end-of-string symbol
    [InlineData("8220")] // size update after a field
    [InlineData("3fe21f")] // size update to 4097
    public void Decode_BrokenBlock_Throws(string hex)
    {
        var decoder = NewDecoder();

        var error = Assert.Throws<HpackException>(() => decoder.Decode(Hex(hex), []));

        Assert.NotEmpty(error.Message);
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public void Decode_CutAnywhere_FieldsBeforeTheCutOrAnError(int cut)
    {
        var fields = new List<HeaderField>();
        try
        {
            NewDecoder().Decode(ConnectBlock.AsSpan(0, cut), fields);
            Assert.Contains(cut, FieldStarts);
        }
        catch (HpackException)
        {
            Assert.DoesNotContain(cut, FieldStarts);
        }

        Assert.Equal(ConnectFields.Take(fields.Count), fields);
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public void Decode_SegmentsCutAnywhere_SameFields(int cut)
    {
        var first = new Segment(ConnectBlock.AsMemory(..cut));
        var last = first.Append(ConnectBlock.AsMemory(cut..));
        var fields = new List<HeaderField>();

        NewDecoder().Decode(new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length), fields);

        Assert.Equal(ConnectFields, fields);
    }

    [Fact]
    public void Decode_EmptyBlock_NoFields() => Assert.Empty(NewDecoder().DecodeAll([]));

    [Fact]
    public void Decode_EveryOctet_ComesOutAsItsCharacter()
    {
        var octets = Enumerable.Range(0, 255).Select(octet => (byte)octet).ToArray();

        var field = Assert.Single(NewDecoder().DecodeAll([0x00, 0x01, 0xff, 0x7f, 0x80, 0x01, .. octets]));

        Assert.Equal("\u00ff", field.Name);
        Assert.Equal(string.Concat(octets.Select(octet => (char)octet)), field.Value);
    }

    [Fact]
    public void Decode_LargestInteger_IsNoOverflow()
    {
        // 2^31-1 as an index: prefix 127 and 2147483520 in continuation octets.
        var error = Assert.Throws<HpackException>(() => NewDecoder().Decode(Hex("ff80ffffff07"), []));

        Assert.Contains("2147483647", error.Message, StringComparison.Ordinal);
        Assert.Contains("beyond", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_WellKnownName_IsOneSharedString()
    {
        var first = NewDecoder().DecodeAll(Hex("0007 62616767616765 0161"))[0].Name;
        var second = NewDecoder().DecodeAll(Hex("0085 8c734c398b 0161"))[0].Name;

        Assert.Equal("baggage", first);
        Assert.Same(first, second);
    }

    [Fact]
    [Requirement("7541-4.3-1")]
    public void Decode_SizeUpdateWithinTheLimit_Evicts()
    {
        var decoder = NewDecoder();
        decoder.DecodeAll(Hex("4001610162"));
        Assert.Single(decoder.DecodeAll(Hex("be")));

        decoder.DecodeAll(Hex("20 3fe11f")); // to nothing, then to 4096: both may come

        Assert.Throws<HpackException>(() => decoder.Decode(Hex("be"), []));
    }

    [Fact]
    [Requirement("7541-6.3-1")]
    public void Decode_LimitRaised_UpdateAboveTheOldOneAccepted()
    {
        var decoder = NewDecoder();
        decoder.SetMaxDynamicTableSize(8_192);

        decoder.DecodeAll(Hex("3fe13f")); // 8192

        Assert.Throws<HpackException>(() => decoder.Decode(Hex("3fe23f"), [])); // 8193
    }

    [Theory]
    [InlineData("82")] // nothing said
    [InlineData("")]
    [InlineData("3fc601")] // 229, above the smallest
    [InlineData("3fe11f")] // only the final 4096
    [Requirement("9113-4.3.1-2", "7541-4.2-2")]
    public void Decode_LimitWasLowered_MissingUpdateThrows(string hex) // section 4.2
    {
        var decoder = NewDecoder();
        decoder.SetMaxDynamicTableSize(100);
        decoder.SetMaxDynamicTableSize(DynamicTable.DefaultMaxSize);

        Assert.Throws<HpackException>(() => decoder.Decode(Hex(hex), []));
    }

    [Fact]
    [Requirement("7541-4.2-3")]
    public void Decode_LimitWasLoweredAndRaised_SmallestThenFinalAccepted()
    {
        var decoder = NewDecoder();
        decoder.SetMaxDynamicTableSize(100);
        decoder.SetMaxDynamicTableSize(DynamicTable.DefaultMaxSize);

        Assert.Single(decoder.DecodeAll(Hex("3f45 3fe11f 82")));
        Assert.Single(decoder.DecodeAll(Hex("82"))); // said once is enough
    }

    [Fact]
    public void Decode_LimitLoweredToWhatIsInUse_NothingNeedsToBeSaid()
    {
        var decoder = NewDecoder();
        decoder.DecodeAll(Hex("20"));

        decoder.SetMaxDynamicTableSize(0);

        Assert.Single(decoder.DecodeAll(Hex("82")));
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory) => Memory = memory;

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory) { RunningIndex = RunningIndex + Memory.Length };
            Next = next;
            return next;
        }
    }
}
