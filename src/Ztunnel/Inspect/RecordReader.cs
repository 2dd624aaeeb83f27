using System.Text.Json;

namespace Ztunnel.Inspect;

/// <summary>
/// Reads one record of a dump, whole in memory and known to be JSON, with Go's rules: <c>null</c> stands for a field's
/// default, unknown fields are ignored, any other value of the wrong type is an error that names the field.
/// </summary>
internal ref struct RecordReader
{
    private const int MaxPooledLength = 256; // longer strings are PEM, and not worth the search
    private const int MaxNameLength = 64; // longer names are none of ours

    private readonly RecordPlace _place;
    private Utf8JsonReader _json;

    /// <summary>At the beginning of a record.</summary>
    public RecordReader(ReadOnlySpan<byte> record, RecordPlace place)
    {
        _place = place;
        _place.Fields.Clear();
        _json = new Utf8JsonReader(record);
        _json.Read();
    }

    private readonly bool IsNull => _json.TokenType is JsonTokenType.Null;

    /// <summary>The object that comes next, null for <c>null</c>.</summary>
    public T? ReadObject<T>(FieldMap<T> fields)
        where T : class, new()
    {
        if (IsNull)
        {
            return null;
        }

        Expect(JsonTokenType.StartObject, "an object");
        var record = new T();
        Span<char> buffer = stackalloc char[MaxNameLength];
        while (_json.Read() && _json.TokenType is JsonTokenType.PropertyName)
        {
            var known = _json.ValueSpan.Length <= MaxNameLength
                & fields.TryGet(CopyText(buffer), out var name, out var read);
            _json.Read();
            if (known)
            {
                _place.Fields.Add(name);
                read(ref this, record);
                _place.Fields.RemoveAt(_place.Fields.Count - 1);
            }
            else
            {
                _json.Skip();
            }
        }

        return record;
    }

    /// <summary>The string that comes next, empty for <c>null</c>.</summary>
    public readonly string ReadString()
    {
        if (IsNull)
        {
            return "";
        }

        Expect(JsonTokenType.String, "a string");
        return Text();
    }

    /// <summary>True or false; <c>null</c> is false.</summary>
    public readonly bool ReadBoolean() => _json.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False or JsonTokenType.Null => false,
        _ => throw Unexpected("true or false"),
    };

    /// <summary>An integer from 0 to <paramref name="max"/>, 0 for <c>null</c>.</summary>
    public readonly long ReadNumber(long max) =>
        IsNull ? 0
        : _json.TokenType is JsonTokenType.Number && _json.TryGetInt64(out var number) && number >= 0 && number <= max
            ? number
            : throw Unexpected($"a number from 0 to {max}");

    /// <summary>A port, null for <c>null</c>.</summary>
    public readonly int? ReadOptionalPort() => IsNull ? null : (int)ReadNumber(ushort.MaxValue);

    /// <summary>A list, null for <c>null</c>.</summary>
    public List<T>? ReadList<T>(ItemReader<T> read)
    {
        if (IsNull)
        {
            return null;
        }

        Expect(JsonTokenType.StartArray, "a list");
        List<T> items = [];
        while (_json.Read() && _json.TokenType is not JsonTokenType.EndArray)
        {
            items.Add(read(ref this));
        }

        return items;
    }

    /// <summary>A list of strings, null for <c>null</c>.</summary>
    public List<string>? ReadStrings() => ReadList(static (ref reader) => reader.ReadString());

    /// <summary>A list of objects, null for <c>null</c>.</summary>
    public List<T>? ReadObjects<T>(FieldMap<T> fields)
        where T : class, new()
    {
        if (IsNull)
        {
            return null;
        }

        Expect(JsonTokenType.StartArray, "a list");
        List<T> items = [];
        while (_json.Read() && _json.TokenType is not JsonTokenType.EndArray)
        {
            items.Add(ReadObject(fields) ?? new T());
        }

        return items;
    }

    /// <summary>An object with any names, null for <c>null</c>. Of two equal names the last counts.</summary>
    public Dictionary<string, T>? ReadMap<T>(ItemReader<T> read)
    {
        if (IsNull)
        {
            return null;
        }

        Expect(JsonTokenType.StartObject, "an object");
        Dictionary<string, T> items = [];
        while (_json.Read() && _json.TokenType is JsonTokenType.PropertyName)
        {
            var name = Text();
            _json.Read();
            items[name] = read(ref this);
        }

        return items;
    }

    /// <summary>Ports by service port, null for <c>null</c>.</summary>
    public Dictionary<string, int>? ReadPorts() =>
        ReadMap(static (ref reader) => (int)reader.ReadNumber(ushort.MaxValue));

    /// <summary>Whatever comes next, null for <c>null</c>.</summary>
    public JsonElement? ReadAny() => IsNull ? null : JsonElement.ParseValue(ref _json);

    /// <summary>Whether a string comes next.</summary>
    public readonly bool IsString => _json.TokenType is JsonTokenType.String;

    /// <summary>The error for a value that is none of <paramref name="expected"/>.</summary>
    public readonly DumpException Unexpected(string expected) => new(
        $"{_place}: expected {expected}, not {DumpParser.Describe(_json.TokenType)}");

    private readonly void Expect(JsonTokenType type, string expected)
    {
        if (_json.TokenType != type)
        {
            throw Unexpected(expected);
        }
    }

    private readonly string Text()
    {
        if (_json.ValueSpan.Length > MaxPooledLength)
        {
            try
            {
                return _json.GetString()!;
            }
            catch (InvalidOperationException)
            {
                throw NoText();
            }
        }

        Span<char> buffer = stackalloc char[MaxPooledLength];
        return _place.Strings.Get(CopyText(buffer));
    }

    private readonly ReadOnlySpan<char> CopyText(Span<char> buffer)
    {
        if (_json.ValueSpan.Length > buffer.Length)
        {
            return default;
        }

        try
        {
            return buffer[.._json.CopyString(buffer)];
        }
        catch (InvalidOperationException)
        {
            throw NoText();
        }
    }

    private readonly DumpException NoText() => new($"{_place}: a string that is not Unicode");
}
