using System.Buffers;
using System.Text;

namespace Hbone.Http2.Hpack;

/// <summary>Writes the primitive types of a header block, integers and string literals (RFC 7541 section 5).</summary>
internal static class HpackWriter
{
    private const int MaxIntegerOctets = 6; // the prefix and 31 bits in sevens
    private const byte StringPattern = 0x00;
    private const byte HuffmanStringPattern = 0x80;
    private const int StringPrefixBits = 7;
    private const int ContinuationFlag = 0x80;
    private const int ContinuationBits = 7;

    /// <summary>Writes the start of an instruction and its integer (section 5.1).</summary>
    public static void WriteInteger(FieldRepresentation representation, int value, IBufferWriter<byte> output) =>
        output.Advance(
            PutInteger(representation.Pattern, representation.PrefixBits, value, output.GetSpan(MaxIntegerOctets)));

    /// <summary>
    /// Writes a string literal, in the Huffman code unless that is longer; at equal length too, as the examples of
    /// appendix C and other HBONE proxies do (section 5.2).
    /// </summary>
    public static void WriteString(ReadOnlySpan<char> text, IBufferWriter<byte> output)
    {
        var huffmanLength = Huffman.EncodedLength(text);
        if (huffmanLength <= text.Length && !text.IsEmpty)
        {
            var span = output.GetSpan(MaxIntegerOctets + huffmanLength);
            var start = PutInteger(HuffmanStringPattern, StringPrefixBits, huffmanLength, span);
            Huffman.Encode(text, span.Slice(start, huffmanLength));
            output.Advance(start + huffmanLength);
        }
        else
        {
            var span = output.GetSpan(MaxIntegerOctets + text.Length);
            var start = PutInteger(StringPattern, StringPrefixBits, text.Length, span);
            Encoding.Latin1.GetBytes(text, span[start..]);
            output.Advance(start + text.Length);
        }
    }

    private static int PutInteger(byte pattern, int prefixBits, int value, Span<byte> output)
    {
        var prefixMax = (1 << prefixBits) - 1;
        if (value < prefixMax)
        {
            output[0] = (byte)(pattern | value);
            return 1;
        }

        output[0] = (byte)(pattern | prefixMax);
        var octets = 1;
        for (value -= prefixMax; value >= ContinuationFlag; value >>= ContinuationBits)
        {
            output[octets++] = (byte)(value | ContinuationFlag);
        }

        output[octets++] = (byte)value;
        return octets;
    }
}
