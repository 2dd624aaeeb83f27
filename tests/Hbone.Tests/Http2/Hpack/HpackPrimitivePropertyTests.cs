using System.Buffers;
using FsCheck.Xunit;
using Hbone.Http2.Hpack;
using static Hbone.Tests.Http2.Hpack.HeaderBlocks;

namespace Hbone.Tests.Http2.Hpack;

/// <summary>RFC 7541 section 5, for every integer and string, and blocks in pieces.</summary>
public class HpackPrimitivePropertyTests
{
    [Property(MaxTest = 1_000)]
    public void Section5_1_WriteThenReadInteger_SameInteger(int any, byte shift)
    {
        var value = (any & int.MaxValue) >> (shift % 31);
        foreach (var representation in new[]
        {
            FieldRepresentation.Indexed,
            FieldRepresentation.LiteralWithIndexing,
            FieldRepresentation.TableSizeUpdate,
            FieldRepresentation.LiteralNeverIndexed,
        })
        {
            var output = new ArrayBufferWriter<byte>();
            HpackWriter.WriteInteger(representation, value, output);
            var reader = new HpackReader(output.WrittenSpan);

            Assert.Equal(representation, FieldRepresentation.StartedBy(reader.Peek()));
            Assert.Equal(value, reader.ReadInteger(representation.PrefixBits));
            Assert.True(reader.IsAtEnd);
            AssertEveryCutIsRefused(output.WrittenSpan, representation.PrefixBits);
        }
    }

    [Property(MaxTest = 1_000)]
    public void Section5_2_WriteThenReadString_SameOctets(byte[] octets)
    {
        var text = string.Concat(octets.Select(octet => (char)octet));
        var output = new ArrayBufferWriter<byte>();

        HpackWriter.WriteString(text, output);
        var reader = new HpackReader(output.WrittenSpan);
        var encoded = reader.ReadString(out var isHuffman);

        Assert.True(reader.IsAtEnd);
        var decoded = new byte[isHuffman ? Huffman.MaxDecodedLength(encoded.Length) : encoded.Length];
        if (isHuffman)
        {
            decoded = decoded[..Huffman.Decode(encoded, decoded)];
        }
        else
        {
            encoded.CopyTo(decoded);
        }

        Assert.Equal(octets, decoded);
    }

    [Property(MaxTest = 500)]
    public void Section4_3_BlockInAnyTwoPieces_AsWhole(byte[] block, ushort place)
    {
        var cut = place % (block.Length + 1);

        Assert.Equal(Outcome(d => d.DecodeAll(block)), Outcome(d =>
        {
            var fields = new List<HeaderField>();
            d.Decode(Pieces.Of(block[..cut], block[cut..]), fields);
            return fields;
        }));
    }

    private static string Outcome(Func<HpackDecoder, IEnumerable<HeaderField>> decode)
    {
        try
        {
            return string.Join('\n', decode(NewDecoder()));
        }
        catch (HpackException e)
        {
            return e.Message;
        }
    }

    private static void AssertEveryCutIsRefused(ReadOnlySpan<byte> octets, int prefixBits)
    {
        for (var cut = 0; cut < octets.Length; cut++)
        {
            var isRefused = false;
            try
            {
                var reader = new HpackReader(octets[..cut]);
                reader.ReadInteger(prefixBits);
            }
            catch (HpackException)
            {
                isRefused = true;
            }

            Assert.True(isRefused);
        }
    }
}
