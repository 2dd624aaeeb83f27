using System.Collections;

namespace Ztunnel.Inspect;

/// <summary>Reads the value that comes next into a field of a record.</summary>
internal delegate void FieldReader<in T>(ref RecordReader reader, T record);

/// <summary>Reads the value that comes next.</summary>
internal delegate T ItemReader<out T>(ref RecordReader reader);

/// <summary>The fields of a record that we know, by their names, whose case does not matter: Go's rule for JSON.</summary>
internal sealed class FieldMap<T> : IEnumerable
{
    private readonly Dictionary<string, FieldReader<T>> _fields = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Adds a field.</summary>
    public void Add(string name, FieldReader<T> reader) => _fields.Add(name, reader);

    /// <summary>Finds a field; <paramref name="known"/> is its name as we spell it.</summary>
    public bool TryGet(ReadOnlySpan<char> name, out string known, out FieldReader<T> reader) =>
        _fields.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out known!, out reader!);

    IEnumerator IEnumerable.GetEnumerator() => _fields.GetEnumerator();
}
