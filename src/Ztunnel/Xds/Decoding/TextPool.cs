using System.Text;

namespace Ztunnel.Xds.Decoding;

/// <summary>
/// Makes equal texts one object: namespaces, nodes, trust domains and the like repeat in each of a hundred thousand
/// workloads, and in each change of one. Of fixed size: a text displaces another one with the same place.
/// </summary>
internal sealed class TextPool
{
    private const int Places = 8192;
    private const int MaxStackText = 256;

    private readonly string?[] _texts = new string?[Places];

    public string Shared(string text)
    {
        ref var place = ref Place(text);
        if (place is { } known && known == text)
        {
            return known;
        }

        place = text;
        return text;
    }

    /// <summary>The same from UTF-8, which a text that is known makes no new one of.</summary>
    /// <exception cref="FormatException">It is not UTF-8.</exception>
    public string Shared(ReadOnlySpan<byte> utf8)
    {
        Span<char> text = stackalloc char[MaxStackText];
        if (utf8.Length > MaxStackText || !Encoding.UTF8.TryGetChars(utf8, text, out var length))
        {
            return Shared(StrictUtf8.ToText(utf8));
        }

        ref var place = ref Place(text[..length]);
        return place is { } known && text[..length].SequenceEqual(known)
            ? known
            : place = StrictUtf8.ToText(utf8); // replacement characters never get in
    }

    private ref string? Place(ReadOnlySpan<char> text) => ref _texts[(uint)string.GetHashCode(text) % Places];
}
