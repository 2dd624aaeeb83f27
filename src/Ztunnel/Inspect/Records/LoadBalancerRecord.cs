namespace Ztunnel.Inspect.Records;

/// <summary>How a service prefers endpoints.</summary>
internal sealed class LoadBalancerRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<LoadBalancerRecord> Fields = new()
    {
        { "mode", static (ref reader, record) => record.Mode = reader.ReadString() },
        { "routingPreferences", static (ref reader, record) => record.Preferences = reader.ReadStrings() },
        { "healthPolicy", static (ref reader, record) => record.HealthPolicy = reader.ReadString() },
    };

    private string Mode { get; set; } = "";

    private List<string>? Preferences { get; set; }

    private string HealthPolicy { get; set; } = "";

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Name("mode").Value(Mode);
        json.Name("routingPreferences").List(Preferences);
        json.Name("healthPolicy").Value(HealthPolicy);
        json.EndObject();
    }
}
