namespace Ztunnel.Inspect;

/// <summary>
/// Gives equal strings the same instance, most of the time: a dump repeats namespaces, nodes and uids for each workload.
/// Holds at most <see cref="Slots"/> strings; one that falls into the slot of another takes its place.
/// </summary>
internal sealed class StringPool
{
    private const int Slots = 1 << 16;

    private readonly string?[] _strings = new string?[Slots];

    /// <summary>A string of these characters.</summary>
    public string Get(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
        {
            return "";
        }

        ref var slot = ref _strings[string.GetHashCode(text) & (Slots - 1)];
        return slot is not null && text.SequenceEqual(slot) ? slot : slot = text.ToString();
    }
}
