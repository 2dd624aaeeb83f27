using System.Buffers.Binary;

namespace Hbone.Http2.Hpack;

/// <summary>String literals in the Huffman code (RFC 7541 section 5.2). Characters are octets, Latin-1.</summary>
internal static class Huffman
{
    private const int ShortestCodeBits = 5;
    private const int FlushBits = 32;

    /// <summary>The most octets that this many encoded ones can stand for.</summary>
    public static int MaxDecodedLength(int encodedLength) => (int)((long)encodedLength * 8 / ShortestCodeBits);

    /// <summary>Octets that <see cref="Encode"/> will write.</summary>
    public static int EncodedLength(ReadOnlySpan<char> text)
    {
        var lengths = HuffmanCode.Lengths;
        var bits = 0L;
        foreach (var character in text)
        {
            bits += lengths[character];
        }

        return checked((int)((bits + 7) / 8));
    }

    /// <summary>Encodes characters up to U+00FF into a buffer of exactly <see cref="EncodedLength"/> octets.</summary>
    public static void Encode(ReadOnlySpan<char> text, Span<byte> output)
    {
        var lengths = HuffmanCode.Lengths;
        var pending = 0UL; // the low pendingBits bits are still to be written
        var pendingBits = 0;
        foreach (var character in text)
        {
            var length = lengths[character];
            pending = (pending << length) | HuffmanCode.CodeOf(character);
            pendingBits += length;
            if (pendingBits >= FlushBits) // at most 31 + 30 bits are pending
            {
                pendingBits -= FlushBits;
                BinaryPrimitives.WriteUInt32BigEndian(output, (uint)(pending >> pendingBits));
                output = output[sizeof(uint)..];
            }
        }

        // The rest is filled up with the first bits of the end-of-string symbol, which are ones.
        var padding = -pendingBits & 7;
        pending = (pending << padding) | ((1u << padding) - 1);
        for (var shift = pendingBits + padding - 8; shift >= 0; shift -= 8)
        {
            output[0] = (byte)(pending >> shift);
            output = output[1..];
        }
    }

    /// <summary>
    /// Decodes and checks the whole text; what does not fit into the output is counted and dropped.
    /// </summary>
    /// <returns>Octets of the decoded text, which can be more than the output holds.</returns>
    /// <exception cref="HpackException">End-of-string inside the text, or wrong padding.</exception>
    public static int Decode(ReadOnlySpan<byte> encoded, Span<byte> output)
    {
        var state = HuffmanDecodeTable.Root;
        var length = 0;
        foreach (var octet in encoded)
        {
            state = Advance(state, octet >> 4, output, ref length);
            state = Advance(state, octet & 0xf, output, ref length);
        }

        return HuffmanDecodeTable.MayEndIn(state)
            ? length
            : throw new HpackException("Huffman text does not end in at most seven one bits of padding");
    }

    private static byte Advance(byte state, int halfOctet, Span<byte> output, ref int length)
    {
        var step = HuffmanDecodeTable.Advance(state, halfOctet);
        if (step.Kind == HuffmanDecodeTable.StepKind.Inside)
        {
            return step.Next;
        }

        if (step.Kind == HuffmanDecodeTable.StepKind.EndOfString)
        {
            throw new HpackException("Huffman text contains the end-of-string symbol");
        }

        if (length < output.Length)
        {
            output[length] = step.Symbol;
        }

        length++;
        return step.Next;
    }
}
