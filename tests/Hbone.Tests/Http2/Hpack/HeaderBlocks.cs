using System.Buffers;
using System.Text.Json;
using Hbone.Http2.Hpack;

namespace Hbone.Tests.Http2.Hpack;

/// <summary>Header blocks as the tests write them down: hex for octets, pairs for fields.</summary>
internal static class HeaderBlocks
{
    public const int LargeList = 1_048_576;

    public static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));

    public static HpackDecoder NewDecoder(int tableSize = DynamicTable.DefaultMaxSize, int listSize = LargeList) =>
        new(tableSize, listSize);

    public static HeaderField[] DecodeAll(this HpackDecoder decoder, ReadOnlySpan<byte> block)
    {
        var fields = new List<HeaderField>();

        Assert.Equal(HpackDecodeResult.Complete, decoder.Decode(block, fields));

        return [.. fields];
    }

    public static byte[] EncodeAll(this HpackEncoder encoder, params ReadOnlySpan<HeaderField> fields)
    {
        var output = new ArrayBufferWriter<byte>();
        encoder.Encode(fields, output);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>The entries from index 62 on, read by decoding their indexes, which changes nothing.</summary>
    public static IEnumerable<HeaderField> DynamicEntries(this HpackDecoder decoder, int count) =>
        Enumerable.Range(StaticTable.Count + 1, count).Select(index => decoder.DecodeAll([(byte)(0x80 | index)])[0]);

    /// <summary>A list of one-member objects, or of arrays of two.</summary>
    public static HeaderField[] FieldsOf(JsonElement headers) =>
        [.. headers.EnumerateArray().Select(header => header.ValueKind == JsonValueKind.Array
            ? new HeaderField(header[0].GetString()!, header[1].GetString()!)
            : header.EnumerateObject().Select(pair => new HeaderField(pair.Name, pair.Value.GetString()!)).Single())];

    /// <summary>The fields without what <see cref="HeaderField.NeverIndexed"/> says.</summary>
    public static IEnumerable<HeaderField> Plain(this IEnumerable<HeaderField> fields) =>
        fields.Select(field => field with { NeverIndexed = false });
}
