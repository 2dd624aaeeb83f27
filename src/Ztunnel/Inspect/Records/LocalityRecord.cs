namespace Ztunnel.Inspect.Records;

/// <summary>Where a workload runs.</summary>
internal sealed class LocalityRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<LocalityRecord> Fields = new()
    {
        { "region", static (ref reader, record) => record.Region = reader.ReadString() },
        { "zone", static (ref reader, record) => record.Zone = reader.ReadString() },
        { "subzone", static (ref reader, record) => record.Subzone = reader.ReadString() },
    };

    private string Region { get; set; } = "";

    private string Zone { get; set; } = "";

    private string Subzone { get; set; } = "";

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Optional("region", Region);
        json.Optional("zone", Zone);
        json.Optional("subzone", Subzone);
        json.EndObject();
    }
}
