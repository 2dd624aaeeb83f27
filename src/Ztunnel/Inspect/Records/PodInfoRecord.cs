namespace Ztunnel.Inspect.Records;

/// <summary>Who a pod is, as the CNI agent says.</summary>
internal sealed class PodInfoRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<PodInfoRecord> Fields = new()
    {
        { "name", static (ref reader, record) => record.Name = reader.ReadString() },
        { "namespace", static (ref reader, record) => record.Namespace = reader.ReadString() },
        { "trustDomain", static (ref reader, record) => record.TrustDomain = reader.ReadString() },
        { "serviceAccount", static (ref reader, record) => record.ServiceAccount = reader.ReadString() },
    };

    /// <summary>Of the pod.</summary>
    public string Name { get; private set; } = "";

    /// <summary>Of the pod.</summary>
    public string Namespace { get; private set; } = "";

    private string TrustDomain { get; set; } = "";

    private string ServiceAccount { get; set; } = "";

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Name("name").Value(Name);
        json.Name("namespace").Value(Namespace);
        json.Name("trustDomain").Value(TrustDomain);
        json.Name("serviceAccount").Value(ServiceAccount);
        json.EndObject();
    }
}
