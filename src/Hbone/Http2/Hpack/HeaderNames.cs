using System.Collections.Frozen;
using System.Text;

namespace Hbone.Http2.Hpack;

/// <summary>
/// One string for each name that is often seen, so that a decoded name costs nothing: those of the static table and
/// those that HBONE peers send.
/// </summary>
internal static class HeaderNames
{
    private const int LongestKnown = 32;

    private static readonly FrozenSet<string> Known = StaticTable.Names
        .Concat(["baggage", "forwarded", "traceparent", "tracestate", "x-forwarded-network"])
        .ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> KnownBySpan =
        Known.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The name as a string, shared if it is known.</summary>
    public static string Intern(ReadOnlySpan<byte> name)
    {
        if (name.Length > LongestKnown)
        {
            return Encoding.Latin1.GetString(name);
        }

        Span<char> text = stackalloc char[LongestKnown];
        text = text[..Encoding.Latin1.GetChars(name, text)];
        return KnownBySpan.TryGetValue(text, out var known) ? known : new string(text);
    }
}
