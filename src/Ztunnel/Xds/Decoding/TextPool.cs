namespace Ztunnel.Xds.Decoding;

/// <summary>
/// Makes equal texts of one response one object: namespaces, nodes, trust domains and the like repeat in each of a
/// hundred thousand workloads. Of fixed size: a text displaces another one with the same place.
/// </summary>
internal sealed class TextPool
{
    private const int Places = 1024;

    private readonly string?[] _texts = new string?[Places];

    public string Shared(string text)
    {
        ref var place = ref _texts[(uint)text.GetHashCode(StringComparison.Ordinal) % Places];
        if (place is { } known && known == text)
        {
            return known;
        }

        place = text;
        return text;
    }
}
