using System.Text;
using System.Text.Json;

namespace Ztunnel.Inspect;

/// <summary>
/// Takes a config dump apart as it comes: finds the sections that are wanted and hands over their records one by one,
/// each of which has to be in memory as a whole; reads past everything else token by token. Waits for nothing.
/// </summary>
/// <param name="wanted">Sections to keep.</param>
internal sealed class DumpParser(DumpSections wanted)
{
    private static readonly Dictionary<string, DumpSections> Sections = new(StringComparer.OrdinalIgnoreCase)
    {
        ["workloads"] = DumpSections.Workloads,
        ["services"] = DumpSections.Services,
        ["policies"] = DumpSections.Policies,
        ["certificates"] = DumpSections.Certificates,
        ["workloadState"] = DumpSections.Pods,
    };

    private readonly RecordPlace _place = new();
    private JsonReaderState _state;
    private Position _position = Position.Root;
    private DumpSections _section;
    private DumpSections _seen;

    private enum Position
    {
        Root,
        Members,
        Value,
        Skipped,
        List,
        Map,
        End,
    }

    /// <summary>What was kept so far.</summary>
    public DumpContents Contents { get; } = new();

    /// <summary>Where the parser is, for error messages; empty outside of the sections that are kept.</summary>
    public string Place => _position is Position.List or Position.Map ? _place.ToString() : "";

    /// <summary>Takes what is complete in <paramref name="input"/>.</summary>
    /// <param name="input">What follows what was taken before.</param>
    /// <param name="final">That nothing follows.</param>
    /// <returns>How many bytes were taken: all, if <paramref name="final"/>.</returns>
    /// <exception cref="JsonException">It is not JSON, or ends too early.</exception>
    /// <exception cref="DumpException">It is JSON and no config dump.</exception>
    public int Take(ReadOnlySpan<byte> input, bool final)
    {
        var json = new Utf8JsonReader(input, final, _state);
        while (true)
        {
            var before = json;
            if (!TryTakeNext(ref json, input))
            {
                json = before;
                break;
            }
        }

        if (final && _seen is DumpSections.None)
        {
            throw new DumpException($"not a config dump of ztunnel: it has none of {string.Join(", ", Sections.Keys)}");
        }

        _state = json.CurrentState;
        return (int)json.BytesConsumed;
    }

    /// <summary>For error messages.</summary>
    internal static string Describe(JsonTokenType type) => type switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "a list",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "this number",
        JsonTokenType.Null => "null",
        _ => "true or false",
    };

    private bool TryTakeNext(ref Utf8JsonReader json, ReadOnlySpan<byte> input)
    {
        if (!json.Read())
        {
            return false;
        }

        switch (_position)
        {
            case Position.Root when json.TokenType is JsonTokenType.StartObject:
                _position = Position.Members;
                return true;
            case Position.Root:
                throw new DumpException($"not a config dump: expected an object, not {Describe(json.TokenType)}");
            case Position.Members:
                TakeMember(json);
                return true;
            case Position.Value:
                TakeValue(json);
                return true;
            case Position.Skipped:
                _position = IsEndOfSection(json) ? Position.Members : Position.Skipped;
                return true;
            default:
                return TryTakeRecord(ref json, input);
        }
    }

    private void TakeMember(Utf8JsonReader json)
    {
        if (json.TokenType is not JsonTokenType.PropertyName)
        {
            _position = Position.End;
            return;
        }

        _position = Position.Value;
        _section = DumpSections.None;
        foreach (var (name, section) in Sections)
        {
            if (IsName(json, name))
            {
                _section = section;
                _place.Section = name;
                _place.Index = 0;
                _place.Fields.Clear();
            }
        }

        if ((_seen & _section) != 0)
        {
            throw new DumpException($"{_place.Section}: is there twice");
        }

        _seen |= _section;
    }

    // Nothing in the names needs an escape, and case folds in ASCII only.
    private static bool IsName(Utf8JsonReader json, string name) => Ascii.EqualsIgnoreCase(json.ValueSpan, name);

    private void TakeValue(Utf8JsonReader json)
    {
        var isContainer = json.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray;
        if ((_section & wanted) == 0)
        {
            _position = isContainer ? Position.Skipped : Position.Members;
            return;
        }

        if (json.TokenType is JsonTokenType.Null)
        {
            _position = Position.Members;
            return;
        }

        var mayBeList = _section is not DumpSections.Pods;
        if (!isContainer || (json.TokenType is JsonTokenType.StartArray && !mayBeList))
        {
            throw new DumpException(
                $"{_place.Section}: expected {(mayBeList ? "a list or an object" : "an object")}, "
                + $"not {Describe(json.TokenType)}");
        }

        Contents.Begin(_section);
        _position = json.TokenType is JsonTokenType.StartArray ? Position.List : Position.Map;
    }

    private bool TryTakeRecord(ref Utf8JsonReader json, ReadOnlySpan<byte> input)
    {
        if (IsEndOfSection(json))
        {
            _position = Position.Members;
            return true;
        }

        if (_position is Position.Map && !json.Read())
        {
            return false;
        }

        var start = (int)json.TokenStartIndex;
        if (!json.TrySkip())
        {
            return false;
        }

        Contents.Add(_section, new RecordReader(input[start..(int)json.BytesConsumed], _place));
        _place.Fields.Clear();
        _place.Index++;
        return true;
    }

    private static bool IsEndOfSection(Utf8JsonReader json) =>
        json.CurrentDepth == 1 && json.TokenType is JsonTokenType.EndArray or JsonTokenType.EndObject;
}
