using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Ztunnel.Inspect;

/// <summary>
/// Writes JSON as Go's <c>json.MarshalIndent</c> does with four spaces: names of maps in order, <c>null</c> for a list or
/// map that is not there, and besides what JSON wants <c>&lt;&gt;&amp;</c> and the line separators U+2028 and U+2029 escaped.
/// </summary>
/// <param name="text">What is written so far; the caller may take it away between values.</param>
internal sealed class GoJsonWriter(StringBuilder text)
{
    private const int IndentLength = 4;

    private int _depth;
    private bool _first = true;
    private bool _named;

    /// <summary>Begins an object.</summary>
    public void StartObject() => Start('{');

    /// <summary>Ends it.</summary>
    public void EndObject() => End('}');

    /// <summary>Begins a list.</summary>
    public void StartList() => Start('[');

    /// <summary>Ends it.</summary>
    public void EndList() => End(']');

    /// <summary>A name, whose value comes next.</summary>
    public GoJsonWriter Name(string name)
    {
        Separate();
        Quote(name);
        text.Append(": ");
        _named = true;
        return this;
    }

    /// <summary>A string.</summary>
    public void Value(string value)
    {
        Separate();
        Quote(value);
    }

    /// <summary>A number.</summary>
    public void Value(long value) => Plain(value.ToString(CultureInfo.InvariantCulture));

    /// <summary><c>true</c> or <c>false</c>.</summary>
    public void Value(bool value) => Plain(value ? "true" : "false");

    /// <summary><c>null</c>.</summary>
    public void Null() => Plain("null");

    /// <summary>An object, or <c>null</c>.</summary>
    public void Value(IDumpRecord? value)
    {
        if (value is null)
        {
            Null();
        }
        else
        {
            value.WriteTo(this);
        }
    }

    /// <summary>A list, or <c>null</c>.</summary>
    public void List<T>(IReadOnlyList<T>? items, Action<GoJsonWriter, T> write)
    {
        if (items is null)
        {
            Null();
            return;
        }

        StartList();
        foreach (var item in items)
        {
            write(this, item);
        }

        EndList();
    }

    /// <summary>A list of strings, or <c>null</c>.</summary>
    public void List(IReadOnlyList<string>? items) => List(items, static (json, item) => json.Value(item));

    /// <summary>A map in the order of its names, or <c>null</c>.</summary>
    public void Map<T>(IReadOnlyDictionary<string, T>? items, Action<GoJsonWriter, T> write)
    {
        if (items is null)
        {
            Null();
            return;
        }

        StartObject();
        foreach (var (name, item) in items.OrderBy(item => item.Key, StringComparer.Ordinal))
        {
            write(Name(name), item);
        }

        EndObject();
    }

    /// <summary>Ports, or <c>null</c>.</summary>
    public void Ports(IReadOnlyDictionary<string, int>? ports) => Map(ports, static (json, port) => json.Value(port));

    /// <summary>A string that is left out when it is empty.</summary>
    public void Optional(string name, string value)
    {
        if (value.Length > 0)
        {
            Name(name).Value(value);
        }
    }

    /// <summary>An object that is left out when there is none.</summary>
    public void Optional(string name, IDumpRecord? value)
    {
        if (value is not null)
        {
            Name(name).Value(value);
        }
    }

    /// <summary>A list that is left out when it is empty.</summary>
    public void Optional<T>(string name, IReadOnlyList<T>? items, Action<GoJsonWriter, T> write)
    {
        if (items is { Count: > 0 })
        {
            Name(name).List(items, write);
        }
    }

    /// <summary>A list that is left out when it is empty.</summary>
    public void Optional(string name, IReadOnlyList<string>? items) =>
        Optional(name, items, static (json, item) => json.Value(item));

    /// <summary>Whatever it is.</summary>
    public void Value(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                StartObject();
                foreach (var member in value.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal))
                {
                    Name(member.Name).Value(member.Value);
                }

                EndObject();
                break;
            case JsonValueKind.Array:
                StartList();
                foreach (var item in value.EnumerateArray())
                {
                    Value(item);
                }

                EndList();
                break;
            case JsonValueKind.String:
                Value(value.GetString()!);
                break;
            default:
                Plain(value.GetRawText());
                break;
        }
    }

    private void Plain(string value)
    {
        Separate();
        text.Append(value);
    }

    private void Start(char bracket)
    {
        Separate();
        text.Append(bracket);
        _depth++;
        _first = true;
    }

    private void End(char bracket)
    {
        _depth--;
        if (!_first)
        {
            text.Append('\n').Append(' ', _depth * IndentLength);
        }

        text.Append(bracket);
        _first = false;
    }

    private void Separate()
    {
        if (_named || _depth == 0)
        {
            _named = false;
            return;
        }

        text.Append(_first ? "\n" : ",\n").Append(' ', _depth * IndentLength);
        _first = false;
    }

    private void Quote(string value)
    {
        text.Append('"');
        var from = 0;
        for (var i = 0; i < value.Length; i++)
        {
            if (IsPlain(value[i]))
            {
                continue;
            }

            text.Append(value, from, i - from);
            from = i + 1;
            Escape(value[i]);
        }

        text.Append(value, from, value.Length - from).Append('"');
    }

    private static bool IsPlain(char c) => c >= ' ' && c is not ('"' or '\\' or '<' or '>' or '&' or '\u2028' or '\u2029');

    private void Escape(char c) => _ = c switch
    {
        '"' or '\\' => text.Append('\\').Append(c),
        '\b' => text.Append("\\b"),
        '\f' => text.Append("\\f"),
        '\n' => text.Append("\\n"),
        '\r' => text.Append("\\r"),
        '\t' => text.Append("\\t"),
        _ => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
    };
}
