using Hbone.Http2.Hpack;
using Hbone.Tests.Http2.Requirements;
using static Hbone.Tests.Http2.Hpack.HeaderBlocks;

namespace Hbone.Tests.Http2.Hpack;

public class HuffmanTests
{
    private static readonly string AllOctets = string.Concat(Enumerable.Range(0, 256).Select(octet => (char)octet));

    // First and last symbol of every code length in the table of RFC 7541 appendix B.
    [Theory]
    [InlineData('0', 0x0, 5)]
    [InlineData('t', 0x9, 5)]
    [InlineData(' ', 0x14, 6)]
    [InlineData('u', 0x2d, 6)]
    [InlineData(':', 0x5c, 7)]
    [InlineData('z', 0x7b, 7)]
    [InlineData('&', 0xf8, 8)]
    [InlineData('Z', 0xfd, 8)]
    [InlineData('!', 0x3f8, 10)]
    [InlineData('?', 0x3fc, 10)]
    [InlineData('\'', 0x7fa, 11)]
    [InlineData('|', 0x7fc, 11)]
    [InlineData('#', 0xffa, 12)]
    [InlineData('>', 0xffb, 12)]
    [InlineData(0, 0x1ff8, 13)]
    [InlineData('~', 0x1ffd, 13)]
    [InlineData('^', 0x3ffc, 14)]
    [InlineData('}', 0x3ffd, 14)]
    [InlineData('<', 0x7ffc, 15)]
    [InlineData('{', 0x7ffe, 15)]
    [InlineData('\\', 0x7fff0, 19)]
    [InlineData(208, 0x7fff2, 19)]
    [InlineData(128, 0xfffe6, 20)]
    [InlineData(226, 0xfffed, 20)]
    [InlineData(153, 0x1fffdc, 21)]
    [InlineData(230, 0x1fffe8, 21)]
    [InlineData(129, 0x3fffd2, 22)]
    [InlineData(233, 0x3fffeb, 22)]
    [InlineData(1, 0x7fffd8, 23)]
    [InlineData(239, 0x7ffff4, 23)]
    [InlineData(9, 0xffffea, 24)]
    [InlineData(237, 0xfffff5, 24)]
    [InlineData(199, 0x1ffffec, 25)]
    [InlineData(235, 0x1ffffef, 25)]
    [InlineData(192, 0x3ffffe0, 26)]
    [InlineData(255, 0x3ffffee, 26)]
    [InlineData(203, 0x7ffffde, 27)]
    [InlineData(254, 0x7fffff0, 27)]
    [InlineData(2, 0xfffffe2, 28)]
    [InlineData(249, 0xffffffe, 28)]
    [InlineData(10, 0x3ffffffc, 30)]
    [InlineData(HuffmanCode.EndOfString, 0x3fffffff, 30)]
    [Requirement("7541-B-1")]
    public void Code_AppendixB_AsPrinted(int symbol, uint code, int length)
    {
        Assert.Equal(code, HuffmanCode.CodeOf(symbol));
        Assert.Equal(length, HuffmanCode.Lengths[symbol]);
    }

    [Fact]
    [Requirement("7541-B-1")]
    public void Code_AllSymbols_FillTheTree()
    {
        var shares = 0L;
        foreach (var length in HuffmanCode.Lengths)
        {
            shares += 1L << (30 - length);
        }

        Assert.Equal(HuffmanCode.SymbolCount, HuffmanCode.Lengths.Length);
        Assert.Equal(1L << 30, shares);
    }

    [Fact]
    [Requirement("7541-5.2-1")]
    public void Encode_EveryOctetAtEveryOffset_DecodesToItself()
    {
        for (var offset = 0; offset < 8; offset++)
        {
            AssertRoundTrip(new string('0', offset) + AllOctets);
        }
    }

    [Theory]
    [InlineData("1f")] // 'a' and three bits of padding
    [InlineData("1c7f")] // 'a', 'o' in the middle of the octets, then six bits
    [InlineData("")]
    public void Decode_PaddingOfAtMostSevenOnes_Accepted(string hex) => Decode(hex);

    [Theory]
    [InlineData("18")] // 'a', then zeros
    [InlineData("1e")] // 'a', then 110
    [InlineData("1fff")] // 'a', then eleven ones
    [InlineData("ff")] // eight ones and nothing else
    [InlineData("fe")] // a code cut off
    [Requirement("7541-5.2-2", "7541-5.2-3")]
    public void Decode_OtherPadding_Throws(string hex) => Assert.Throws<HpackException>(() => Decode(hex));

    [Theory]
    [InlineData("ffffffff")] // the symbol's 30 ones, then two more
    [InlineData("fffffffc")] // the same, then zeros
    [InlineData("1fffffffff")] // 'a', the symbol, five ones
    [Requirement("7541-5.2-4")]
    public void Decode_EndOfStringInside_Throws(string hex) => Assert.Throws<HpackException>(() => Decode(hex));

    [Fact]
    public void Decode_OutputTooShort_CountsTheRest()
    {
        var encoded = Encode("abcdef");
        var output = new byte[3];

        Assert.Equal(6, Huffman.Decode(encoded, output));

        Assert.Equal("abc"u8, output);
    }

    [Fact]
    public void MaxDecodedLength_ShortestCodes_IsReached() =>
        Assert.Equal(8, Huffman.MaxDecodedLength(Encode("00000000").Length));

    private static void AssertRoundTrip(string text)
    {
        var output = new byte[text.Length];

        Assert.Equal(text.Length, Huffman.Decode(Encode(text), output));

        Assert.Equal(text, string.Concat(output.Select(octet => (char)octet)));
    }

    private static byte[] Encode(string text)
    {
        var encoded = new byte[Huffman.EncodedLength(text)];
        Huffman.Encode(text, encoded);
        return encoded;
    }

    private static void Decode(string hex) => Huffman.Decode(Hex(hex), new byte[16]);
}
