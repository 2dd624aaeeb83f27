using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hbone.Http2.Hpack;
using Hbone.Tests.Http2.Requirements;
using static Hbone.Tests.Http2.Hpack.HeaderBlocks;

namespace Hbone.Tests.Http2.Hpack;

/// <summary>What holds for every header list and for every sequence of octets.</summary>
[Properties(Arbitrary = [typeof(Generators)])]
public class HpackPropertyTests
{
    private const int SmallList = 2_000;

    [Property(MaxTest = 300)]
    [Requirement("7541-2.1-1", "7541-3.2-1")]
    public void EncodeThenDecode_AnyListsAndTableSizes_SameFields(List<Exchange> exchanges)
    {
        var encoder = new HpackEncoder();
        var decoder = NewDecoder();
        foreach (var exchange in exchanges)
        {
            foreach (var size in exchange.TableSizes)
            {
                decoder.SetMaxDynamicTableSize(size);
                encoder.SetMaxDynamicTableSize(size);
            }

            Assert.Equal(exchange.Fields, decoder.DecodeAll(encoder.EncodeAll(exchange.Fields)));
        }
    }

    [Property(MaxTest = 300)]
    public void EncodeThenDecode_ListsAboveTheLimit_NeverMoreThanTheLimitAndInStep(List<Exchange> exchanges)
    {
        var encoder = new HpackEncoder();
        var decoder = NewDecoder(listSize: SmallList);
        foreach (var exchange in exchanges)
        {
            var fields = new List<HeaderField>();

            var result = decoder.Decode(encoder.EncodeAll(exchange.Fields), fields);

            Assert.Equal(exchange.Fields.Take(fields.Count), fields);
            Assert.InRange(fields.Sum(field => field.Size), 0, SmallList);
            Assert.Equal(exchange.Fields.Sum(field => field.Size) <= SmallList, result == HpackDecodeResult.Complete);
        }
    }

    [Property(MaxTest = 2_000)]
    public void Decode_AnyOctets_FieldsOrHpackException(byte[] block) => DecodeOrRefuse(NewDecoder(), block);

    [Property(MaxTest = 1_000)]
    public void Decode_DamagedBlock_FieldsOrHpackException(Exchange exchange, byte damage, int place)
    {
        var block = new HpackEncoder().EncodeAll(exchange.Fields);
        if (block.Length > 0)
        {
            block[(int)((uint)place % (uint)block.Length)] ^= damage;
        }

        DecodeOrRefuse(NewDecoder(), block);
    }

    [Property(MaxTest = 500)]
    public void HuffmanDecode_AnyOctets_TheOnlyEncodingOfItsTextOrHpackException(byte[] encoded)
    {
        var text = new byte[Huffman.MaxDecodedLength(encoded.Length)];
        try
        {
            var length = Huffman.Decode(encoded, text);

            var again = new byte[encoded.Length];
            Huffman.Encode(string.Concat(text.Take(length).Select(octet => (char)octet)), again);
            Assert.Equal(encoded, again);
        }
        catch (HpackException)
        {
            // What a random text mostly is.
        }
    }

    private static void DecodeOrRefuse(HpackDecoder decoder, byte[] block)
    {
        var fields = new List<HeaderField>();
        try
        {
            decoder.Decode(block, fields);
        }
        catch (HpackException)
        {
            // The one permitted failure.
        }

        Assert.InRange(fields.Count, 0, block.Length);
    }

    /// <summary>Limits that the decoding end announces, then one header list.</summary>
    public sealed class Exchange
    {
        internal Exchange(int[] tableSizes, HeaderField[] fields) => (TableSizes, Fields) = (tableSizes, fields);

        internal int[] TableSizes { get; }

        internal HeaderField[] Fields { get; }

        public override string ToString() => $"sizes {string.Join(' ', TableSizes)}, {string.Join(' ', Fields)}";
    }

    public static class Generators
    {
        private static readonly Gen<string> Octets =
            Gen.Choose(0, 255).ArrayOf().Select(codes => string.Concat(codes.Select(code => (char)code)));

        private static readonly Gen<string> Token = Gen.Elements(
            ":method", ":authority", "baggage", "forwarded", "traceparent", "a", "b", "GET", "CONNECT", "", "1", "2");

        private static readonly Gen<string> Long =
            Gen.Choose(0, 6_000).Select(length => new string('x', length));

        private static readonly Gen<string> Text = Gen.Frequency((6, Token), (3, Octets), (1, Long));

        private static readonly Gen<HeaderField> Field =
            from name in Text
            from value in Text
            from secret in Gen.Frequency((9, Gen.Constant(false)), (1, Gen.Constant(true)))
            select new HeaderField(name, value, secret);

        private static readonly Gen<int> TableSize = Gen.Frequency((3, Gen.Choose(0, 200)), (1, Gen.Choose(0, 10_000)));

        public static Arbitrary<Exchange> Exchange() => Arb.From(
            from count in Gen.Frequency((5, Gen.Constant(0)), (2, Gen.Constant(1)), (1, Gen.Choose(2, 3)))
            from sizes in TableSize.ArrayOf(count)
            from fields in Field.ArrayOf()
            select new Exchange(sizes, fields));
    }
}
