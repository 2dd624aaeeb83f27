using System.Buffers;
using Hbone.Http2.Hpack;
using Hbone.Tests.Http2.Requirements;
using static Hbone.Tests.Http2.Hpack.HeaderBlocks;

namespace Hbone.Tests.Http2.Hpack;

/// <summary>What a hostile peer can cost.</summary>
public class HpackDecoderLimitTests
{
    private const int ListSize = 16_384;
    private const int LiteralLength = 16 * 1_048_576;

    // Zeros, so a '0' for every five bits and, as five divides it, no padding.
    private const int HuffmanLength = LiteralLength - 1;

    private const long AllowedBytes = 8 * ListSize;

    [Theory]
    [InlineData(66, HpackDecodeResult.Complete)] // 32 + 1 + 1 and 32 + 0 + 0
    [InlineData(65, HpackDecodeResult.HeaderListTooLarge)]
    public void HeaderList_AtTheLimit_CountedAsRfc9113Section652Says(int listSize, object expected)
    {
        var result = NewDecoder(listSize: listSize).Decode(Hex("0001610162 000000"), []);

        Assert.Equal(expected, result);
    }

    [Fact]
    [Requirement("7541-3.2-1")]
    public void HeaderList_TooLarge_TableStaysInStep()
    {
        var decoder = NewDecoder(listSize: 40);
        var fields = new List<HeaderField>();

        // a: 1 is handed out, b: 2 is too much, c: 3 is not handed out although it alone would fit.
        var result = decoder.Decode(Hex("4001610131 4001620132 4001630133"), fields);

        Assert.Equal(HpackDecodeResult.HeaderListTooLarge, result);
        Assert.Equal([new HeaderField("a", "1")], fields);
        Assert.Equal(
            [new HeaderField("c", "3"), new HeaderField("b", "2"), new HeaderField("a", "1")],
            decoder.DynamicEntries(3));
    }

    [Theory]
    [InlineData(0x00)] // without indexing
    [InlineData(0x10)] // never indexed
    [InlineData(0x40)] // with indexing, which empties the table
    [Requirement("7541-7.4-1", "9113-10.5-7")]
    public void Literal_Of16Mebibytes_IsNotKept(byte instruction)
    {
        byte[] nameThenValue = [instruction, 0x00, .. LengthOf(LiteralLength, 0x00), .. new byte[LiteralLength]];
        byte[] valueOfName = [instruction, .. LengthOf(LiteralLength, 0x00), .. new byte[LiteralLength], 0x00];

        AssertTooLargeAndCheap(nameThenValue);
        AssertTooLargeAndCheap(valueOfName);
    }

    [Theory]
    [InlineData(0x00)]
    [InlineData(0x40)]
    [Requirement("7541-7.4-1", "9113-10.5-7")]
    public void Literal_HuffmanOf16Mebibytes_IsNotKept(byte instruction) =>
        AssertTooLargeAndCheap([instruction, 0x00, .. LengthOf(HuffmanLength, 0x80), .. new byte[HuffmanLength]]);

    [Fact]
    public void Literal_LargerThanTheTable_EmptiesIt()
    {
        var decoder = NewDecoder(listSize: ListSize);
        decoder.DecodeAll(Hex("4001610131"));

        decoder.Decode([0x40, 0x00, .. LengthOf(LiteralLength, 0x00), .. new byte[LiteralLength]], []);

        Assert.Throws<HpackException>(() => decoder.Decode(Hex("be"), []));
    }

    [Fact]
    public void Literal_LargerThanTheListButNotTheTable_IsRemembered()
    {
        var decoder = NewDecoder(listSize: 100);
        var value = new string('v', 1_000);

        var result = decoder.Decode(new HpackEncoder().EncodeAll(new HeaderField("a", value)), []);

        Assert.Equal(HpackDecodeResult.HeaderListTooLarge, result);

        // Its name can be referred to in a field that is small enough.
        Assert.Equal([new HeaderField("a", "1")], decoder.DecodeAll(Hex("7e0131")));
    }

    [Fact]
    [Requirement("9113-10.5-7")]
    public void Indexes_OfOneLargeEntryRepeated_CostNothing()
    {
        var decoder = NewDecoder(listSize: ListSize);
        decoder.DecodeAll(new HpackEncoder().EncodeAll(new HeaderField("a", new string('v', 3_000))));
        var bomb = new byte[1_048_576];
        Array.Fill(bomb, (byte)0xbe);

        AssertTooLargeAndCheap(decoder, bomb);
    }

    [Fact]
    [Requirement("9113-10.5-7")]
    public void Literals_EmptyAndIndexedRepeated_CostOnlyTheTable()
    {
        var bomb = new byte[3 * 1_048_576];
        for (var place = 0; place < bomb.Length; place += 3)
        {
            bomb[place] = 0x40; // with indexing, name of no octets, value of no octets
        }

        AssertTooLargeAndCheap(bomb);
    }

    private static void AssertTooLargeAndCheap(byte[] block) =>
        AssertTooLargeAndCheap(NewDecoder(listSize: ListSize), block);

    private static void AssertTooLargeAndCheap(HpackDecoder decoder, byte[] block)
    {
        var fields = new List<HeaderField>();
        var before = GC.GetAllocatedBytesForCurrentThread();

        var result = decoder.Decode(block, fields);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllowedBytes);
        Assert.Equal(HpackDecodeResult.HeaderListTooLarge, result);
        Assert.InRange(fields.Sum(field => field.Size), 0, ListSize);
    }

    private static byte[] LengthOf(int length, byte pattern)
    {
        var output = new ArrayBufferWriter<byte>();
        HpackWriter.WriteInteger(new FieldRepresentation(pattern, 7), length, output);
        return output.WrittenSpan.ToArray();
    }
}
