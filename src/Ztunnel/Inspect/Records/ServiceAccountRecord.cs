namespace Ztunnel.Inspect.Records;

/// <summary>A service account that a policy names.</summary>
internal sealed class ServiceAccountRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<ServiceAccountRecord> Fields = new()
    {
        { "namespace", static (ref reader, record) => record.Namespace = reader.ReadString() },
        { "serviceAccount", static (ref reader, record) => record.Name = reader.ReadString() },
    };

    private string Namespace { get; set; } = "";

    private string Name { get; set; } = "";

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Name("namespace").Value(Namespace);
        json.Name("serviceAccount").Value(Name);
        json.EndObject();
    }
}
