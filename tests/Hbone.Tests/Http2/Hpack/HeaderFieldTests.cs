using Hbone.Http2.Hpack;
using static Hbone.Tests.Http2.Hpack.HeaderBlocks;

namespace Hbone.Tests.Http2.Hpack;

public sealed class HeaderFieldTests
{
    [Theory]
    [InlineData("us-east", "us-east")]
    [InlineData("", "")]
    [InlineData("Z\u00fcrich", "Z\u00c3\u00bcrich")] // U+00FC is C3 BC
    [InlineData("\u2713", "\u00e2\u009c\u0093")] // E2 9C 93
    [InlineData("\ud83d\ude00", "\u00f0\u009f\u0098\u0080")] // U+1F600 is F0 9F 98 80
    public void OfText_AnyText_IsItsUtf8Octets(string text, string octets) =>
        Assert.Equal(new HeaderField("baggage", octets), HeaderField.OfText("baggage", text));

    [Fact]
    public void OfText_HalfASurrogatePair_IsReplaced() =>
        Assert.Equal("\u00ef\u00bf\u00bd", HeaderField.OfText("baggage", ((char)0xd83d).ToString()).Value); // EF BF BD

    [Fact]
    public void OfText_Encoded_IsUtf8OnTheWire()
    {
        var encoder = new HpackEncoder();
        encoder.SetMaxDynamicTableSize(0);
        encoder.EncodeAll();

        var block = encoder.EncodeAll(HeaderField.OfText("|", "\u2713"));

        Assert.Equal(Hex("00017c 03e29c93"), block);
    }
}
