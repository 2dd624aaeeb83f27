using System.Collections.Frozen;

namespace Hbone.Http2.Hpack;

/// <summary>The predefined entries, index 1 to 61 (RFC 7541 appendix A).</summary>
internal static class StaticTable
{
    // Index 1 is the first; entries of one name stand together, which Find relies on.
    private static readonly HeaderField[] Entries =
    [
        new(":authority", ""),
        new(":method", "GET"),
        new(":method", "POST"),
        new(":path", "/"),
        new(":path", "/index.html"),
        new(":scheme", "http"),
        new(":scheme", "https"),
        new(":status", "200"),
        new(":status", "204"),
        new(":status", "206"),
        new(":status", "304"),
        new(":status", "400"),
        new(":status", "404"),
        new(":status", "500"),
        new("accept-charset", ""),
        new("accept-encoding", "gzip, deflate"),
        new("accept-language", ""),
        new("accept-ranges", ""),
        new("accept", ""),
        new("access-control-allow-origin", ""),
        new("age", ""),
        new("allow", ""),
        new("authorization", ""),
        new("cache-control", ""),
        new("content-disposition", ""),
        new("content-encoding", ""),
        new("content-language", ""),
        new("content-length", ""),
        new("content-location", ""),
        new("content-range", ""),
        new("content-type", ""),
        new("cookie", ""),
        new("date", ""),
        new("etag", ""),
        new("expect", ""),
        new("expires", ""),
        new("from", ""),
        new("host", ""),
        new("if-match", ""),
        new("if-modified-since", ""),
        new("if-none-match", ""),
        new("if-range", ""),
        new("if-unmodified-since", ""),
        new("last-modified", ""),
        new("link", ""),
        new("location", ""),
        new("max-forwards", ""),
        new("proxy-authenticate", ""),
        new("proxy-authorization", ""),
        new("range", ""),
        new("referer", ""),
        new("refresh", ""),
        new("retry-after", ""),
        new("server", ""),
        new("set-cookie", ""),
        new("strict-transport-security", ""),
        new("transfer-encoding", ""),
        new("user-agent", ""),
        new("vary", ""),
        new("via", ""),
        new("www-authenticate", ""),
    ];

    private static readonly FrozenDictionary<string, int> FirstIndexOf =
        Enumerable.Range(1, Entries.Length)
            .GroupBy(index => Entries[index - 1].Name, StringComparer.Ordinal)
            .ToFrozenDictionary(indexes => indexes.Key, indexes => indexes.Min(), StringComparer.Ordinal);

    /// <summary>Number of entries, which is also the highest index.</summary>
    public static int Count => Entries.Length;

    /// <summary>All names, each once.</summary>
    public static IEnumerable<string> Names => FirstIndexOf.Keys;

    /// <summary>The entry of an index from 1 to <see cref="Count"/>.</summary>
    public static HeaderField At(int index) => Entries[index - 1];

    /// <summary>The index of a field, or of the first entry with its name, or 0.</summary>
    public static TableMatch Find(in HeaderField field)
    {
        if (!FirstIndexOf.TryGetValue(field.Name, out var first))
        {
            return default;
        }

        for (var index = first; index <= Entries.Length && Entries[index - 1].Name == field.Name; index++)
        {
            if (Entries[index - 1].Value == field.Value)
            {
                return new TableMatch(index, IncludesValue: true);
            }
        }

        return new TableMatch(first, IncludesValue: false);
    }
}
