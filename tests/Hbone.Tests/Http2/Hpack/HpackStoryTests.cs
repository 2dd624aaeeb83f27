using System.Text.Json;
using Hbone.Http2.Hpack;
using static Hbone.Tests.Http2.Hpack.HeaderBlocks;

namespace Hbone.Tests.Http2.Hpack;

/// <summary>The header lists of hpack-test-case as four other implementations encode them, and as we do.</summary>
public class HpackStoryTests
{
    private const string RawData = "raw-data";

    public static TheoryData<string, string> EncodedStories => StoriesWhere(folder => folder != RawData);

    public static TheoryData<string, string> RawStories => StoriesWhere(folder => folder == RawData);

    [Theory]
    [MemberData(nameof(EncodedStories))]
    public void Decode_StoryOfAnotherEncoder_ItsHeaders(string folder, string story)
    {
        var decoder = NewDecoder();
        foreach (var block in CasesOf(folder, story))
        {
            if (block.TryGetProperty("header_table_size", out var size))
            {
                decoder.SetMaxDynamicTableSize(size.GetInt32());
            }

            var fields = decoder.DecodeAll(Hex(block.GetProperty("wire").GetString()!));

            Assert.Equal(FieldsOf(block.GetProperty("headers")), fields.Plain());
        }
    }

    [Theory]
    [MemberData(nameof(RawStories))]
    public void Encode_Story_DecodesToItsHeaders(string folder, string story)
    {
        var encoder = new HpackEncoder();
        var decoder = NewDecoder();
        foreach (var list in CasesOf(folder, story))
        {
            var fields = FieldsOf(list.GetProperty("headers"));

            Assert.Equal(fields, decoder.DecodeAll(encoder.EncodeAll(fields)));
        }
    }

    [Fact]
    public void Encode_AllStories_NoLongerThanOtherEncoders()
    {
        var ours = RawStories.Sum(row => EncodedLength(row.Data.Item2));
        var nghttp2 = RawStories.Sum(row =>
            CasesOf("nghttp2", row.Data.Item2).Sum(block => block.GetProperty("wire").GetString()!.Length / 2));

        Assert.InRange(ours, 1, nghttp2 * 105 / 100);
    }

    private static int EncodedLength(string story)
    {
        var encoder = new HpackEncoder();
        return CasesOf(RawData, story).Sum(list => encoder.EncodeAll(FieldsOf(list.GetProperty("headers"))).Length);
    }

    private static TheoryData<string, string> StoriesWhere(Func<string, bool> isWanted)
    {
        var stories =
            from folder in Directory.GetDirectories(Fixture.PathOf("hpack"))
            where isWanted(Path.GetFileName(folder))
            from story in Directory.GetFiles(folder, "*.json")
            orderby story
            select (Path.GetFileName(folder), Path.GetFileName(story));
        return [.. stories];
    }

    private static JsonElement.ArrayEnumerator CasesOf(string folder, string story) =>
        JsonDocument.Parse(Fixture.Read("hpack", folder, story)).RootElement.GetProperty("cases").EnumerateArray();
}
