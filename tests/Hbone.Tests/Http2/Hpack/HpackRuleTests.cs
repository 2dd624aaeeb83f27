using Hbone.Http2.Hpack;
using Hbone.Tests.Http2.Requirements;
using static Hbone.Tests.Http2.Hpack.HeaderBlocks;

namespace Hbone.Tests.Http2.Hpack;

/// <summary>What RFC 7541 calls a decoding error, and what it does not.</summary>
public class HpackRuleTests
{
    public static TheoryData<string, string> DecodingErrors => new()
    {
        { "7541-2.3.3-1 first entry of an empty dynamic table", "be" },
        { "7541-2.3.3-1 name of an entry that is not there", "7e0161" },
        { "7541-4.2-4 size update after a field", "8220" },
        { "7541-4.2-4 size update between fields", "82 20 82" },
        { "7541-5.1-2 integer above 2^31-1", "ffffffffff07" },
        { "7541-5.1-2 integer of too many octets", "ff808080808000" },
        { "7541-5.2-2 eight bits of padding", "0001 61 82 1fff" },
        { "7541-5.2-3 padding of zeros", "0001 61 81 18" },
        { "7541-5.2-4 end-of-string symbol", "0001 61 84 ffffffff" },
        { "7541-6.1-1 index 0", "80" },
        { "7541-6.3-1 size update to 4097", "3fe21f" },
    };

    // Rows of appendix A, name and value, from index 1 on; a name alone repeats none.
    public static string StaticEntries =>
        ":authority :method=GET :method=POST :path=/ :path=/index.html :scheme=http :scheme=https :status=200 :status=204 "
        + ":status=206 :status=304 :status=400 :status=404 :status=500 accept-charset accept-encoding=gzip,deflate "
        + "accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control "
        + "content-disposition content-encoding content-language content-length content-location content-range content-type "
        + "cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since "
        + "last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after "
        + "server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate";

    [Theory]
    [MemberData(nameof(DecodingErrors))]
    public void Decode_WhatTheRfcForbids_Throws(string rule, string hex)
    {
        var error = Record.Exception(() => NewDecoder().Decode(Hex(hex), []));

        Assert.True(error is HpackException, $"{rule}: {error}");
    }

    [Fact]
    [Requirement("7541-A-1")]
    public void StaticTable_AppendixA_AsPrinted()
    {
        var entries = StaticEntries.Replace("gzip,deflate", "gzip,\u00a0deflate", StringComparison.Ordinal).Split(' ')
            .Select(e => e.Replace('\u00a0', ' ').Split('=', 2)).ToList();

        Assert.Equal(entries.Count, StaticTable.Count);
        for (var index = 1; index <= entries.Count; index++)
        {
            Assert.Equal(
                new HeaderField(entries[index - 1][0], entries[index - 1].ElementAtOrDefault(1) ?? ""), StaticTable.At(index));
        }
    }

    [Fact]
    [Requirement("7541-2.3.2-1")]
    public void Decode_SameFieldAddedTwice_TwoEntries()
    {
        var decoder = NewDecoder();

        decoder.DecodeAll(Hex("4001610131 4001610131"));

        Assert.Equal([new HeaderField("a", "1"), new HeaderField("a", "1")], decoder.DynamicEntries(2));
    }

    [Fact]
    [Requirement("7541-4.4-2")]
    public void Decode_NameOfTheEntryThatIsEvicted_IsThere()
    {
        var decoder = NewDecoder();
        decoder.DecodeAll(Hex("3f03 4001610131")); // room for one entry of 34 octets: a: 1

        var fields = decoder.DecodeAll(Hex("7e 0132")); // the name of index 62, value 2

        Assert.Equal([new HeaderField("a", "2")], fields);
        Assert.Equal([new HeaderField("a", "2")], decoder.DynamicEntries(1));
    }
}
