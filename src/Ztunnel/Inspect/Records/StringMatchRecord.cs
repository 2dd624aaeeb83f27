using System.Text.Json;

namespace Ztunnel.Inspect.Records;

/// <summary>How a policy compares a name: one of four ways.</summary>
internal sealed class StringMatchRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<StringMatchRecord> Fields = new()
    {
        { "Exact", static (ref reader, record) => record.Exact = reader.ReadString() },
        { "Suffix", static (ref reader, record) => record.Suffix = reader.ReadString() },
        { "Prefix", static (ref reader, record) => record.Prefix = reader.ReadString() },
        { "Presence", static (ref reader, record) => record.Presence = reader.ReadAny() },
    };

    private string Exact { get; set; } = "";

    private string Suffix { get; set; } = "";

    private string Prefix { get; set; } = "";

    private JsonElement? Presence { get; set; } // an empty list, which is printed

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Optional("Exact", Exact);
        json.Optional("Suffix", Suffix);
        json.Optional("Prefix", Prefix);
        if (Presence is { } presence)
        {
            json.Name("Presence").Value(presence);
        }

        json.EndObject();
    }
}
