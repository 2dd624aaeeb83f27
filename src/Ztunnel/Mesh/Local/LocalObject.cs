using System.Collections.Immutable;

namespace Ztunnel.Mesh.Local;

/// <summary>
/// A mapping whose keys are known. Keys that nobody asked for are an error in <see cref="RejectOtherKeys"/>.
/// </summary>
/// <param name="value">The mapping.</param>
/// <param name="entries">Its content.</param>
internal sealed class LocalObject(LocalValue value, IEnumerable<(LocalValue Key, LocalValue Value)> entries)
{
    private readonly Dictionary<string, (LocalValue Key, LocalValue Value)> _entries =
        entries.ToDictionary(entry => entry.Key.KeyText());

    private readonly HashSet<string> _known = [];

    /// <exception cref="LocalMeshException">The key is missing.</exception>
    public LocalValue Required(string key)
    {
        _known.Add(key);
        return _entries.TryGetValue(key, out var entry) ? entry.Value : throw value.Error($"key {key} is missing");
    }

    /// <summary>Null for a key that is missing or stands for nothing.</summary>
    public LocalValue? Optional(string key)
    {
        _known.Add(key);
        return _entries.TryGetValue(key, out var entry) && !entry.Value.IsNull ? entry.Value : null;
    }

    /// <summary>Empty when missing.</summary>
    public string Text(string key) => Optional(key)?.Text() ?? "";

    /// <summary>Empty when missing.</summary>
    public ImmutableArray<TItem> List<TItem>(string key, Func<LocalValue, TItem> read) =>
        Optional(key)?.List(read) ?? [];

    /// <summary>To be called after all keys were asked for.</summary>
    public void RejectOtherKeys()
    {
        foreach (var (key, entry) in _entries)
        {
            if (!_known.Contains(key))
            {
                var known = string.Join(", ", _known.Order(StringComparer.Ordinal));
                throw entry.Key.Error($"unknown key; known are {known}");
            }
        }
    }
}
