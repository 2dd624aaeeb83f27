using Hbone.Http2.Hpack;
using Hbone.Tests.Http2.Requirements;
using static Hbone.Tests.Http2.Hpack.HeaderBlocks;

namespace Hbone.Tests.Http2.Hpack;

public class HpackEncoderTests
{
    private static readonly HeaderField Field = new("a", "1");

    [Fact]
    public void Encode_FieldOfStaticTable_OneOctet() =>
        Assert.Equal([0x88], new HpackEncoder().EncodeAll(new HeaderField(":status", "200")));

    [Fact]
    public void Encode_FieldSeenBefore_ItsIndex()
    {
        var encoder = new HpackEncoder();
        encoder.EncodeAll(Field, new HeaderField("b", "2"));

        Assert.Equal([0xbf, 0xbe], encoder.EncodeAll(Field, new HeaderField("b", "2")));
    }

    [Fact]
    [Requirement("7541-6.2.3-1")]
    public void Encode_NeverIndexed_LiteralEachTime() // section 6.2.3
    {
        var encoder = new HpackEncoder();
        var secret = new HeaderField("authorization", "secret", NeverIndexed: true);

        var first = encoder.EncodeAll(secret);

        Assert.Equal(Hex("1f08 84 41496153"), first);
        Assert.Equal(first, encoder.EncodeAll(secret));
    }

    [Theory]
    [InlineData("&&", "82f8f8")] // eight bits each: as long in the Huffman code, which then wins
    [InlineData("<<", "023c3c")] // fifteen bits each: longer
    [InlineData("", "00")]
    public void Encode_Value_HuffmanUnlessLonger(string value, string hex)
    {
        var encoder = new HpackEncoder();
        encoder.SetMaxDynamicTableSize(0); // so that nothing is indexed
        encoder.EncodeAll();

        var block = encoder.EncodeAll(new HeaderField("|", value));

        Assert.Equal([0x00, 0x01, (byte)'|', .. Hex(hex)], block);
    }

    [Fact]
    public void Encode_FieldFillingTheTable_IsNotIndexed()
    {
        var encoder = new HpackEncoder();
        encoder.EncodeAll(Field);

        var block = encoder.EncodeAll(new HeaderField("a", new string('v', 3_100)));

        Assert.Equal([0x0f, 0x2f], block[..2]); // literal without indexing, name 62
        Assert.Equal([0xbe], encoder.EncodeAll(Field)); // still remembered
    }

    [Fact]
    public void Encode_CharacterAboveOneOctet_ThrowsAndStaysInStep()
    {
        var encoder = new HpackEncoder();
        var decoder = NewDecoder();

        Assert.Throws<ArgumentException>(() => encoder.EncodeAll(Field, new HeaderField("b", "\u0100")));
        Assert.Throws<ArgumentException>(() => encoder.EncodeAll(Field, new HeaderField("\u20ac", "")));

        Assert.Equal([Field], decoder.DecodeAll(encoder.EncodeAll(Field)));
    }

    [Fact]
    [Requirement("7541-4.2-1")]
    public void SizeUpdate_PeerAllowsMoreThanDefault_NothingToSay()
    {
        var encoder = new HpackEncoder();

        encoder.SetMaxDynamicTableSize(65_536);

        Assert.Equal([0x82], encoder.EncodeAll(new HeaderField(":method", "GET")));
    }

    [Fact]
    [Requirement("7541-4.2-1", "7541-4.2-2")]
    public void SizeUpdate_Lowered_SaidOnceAtTheStart()
    {
        var encoder = new HpackEncoder();
        encoder.EncodeAll(Field);

        encoder.SetMaxDynamicTableSize(0);

        Assert.Equal([0x20, 0x82], encoder.EncodeAll(new HeaderField(":method", "GET")));
        Assert.Equal([0x82], encoder.EncodeAll(new HeaderField(":method", "GET")));
        Assert.Equal(Hex("00 811f 810f"), encoder.EncodeAll(Field));
    }

    [Fact]
    [Requirement("7541-4.2-3")]
    public void SizeUpdate_LoweredThenRaised_SmallestThenFinal() // section 4.2
    {
        var encoder = new HpackEncoder();
        encoder.EncodeAll(Field);

        encoder.SetMaxDynamicTableSize(1_000);
        encoder.SetMaxDynamicTableSize(0);
        encoder.SetMaxDynamicTableSize(500);
        encoder.SetMaxDynamicTableSize(int.MaxValue);

        Assert.Equal(Hex("20 3fe11f 82"), encoder.EncodeAll(new HeaderField(":method", "GET")));
        Assert.NotEqual([0xbe], encoder.EncodeAll(Field)); // it was evicted on the way
    }

    [Fact]
    public void SizeUpdate_LoweredTwice_OnlyTheFinal()
    {
        var encoder = new HpackEncoder();

        encoder.SetMaxDynamicTableSize(1_000);
        encoder.SetMaxDynamicTableSize(100);

        Assert.Equal(Hex("3f45"), encoder.EncodeAll());
    }
}
