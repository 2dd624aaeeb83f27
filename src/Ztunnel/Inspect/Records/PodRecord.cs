namespace Ztunnel.Inspect.Records;

/// <summary>One member of <c>workloadState</c>: a pod that the proxy serves.</summary>
internal sealed class PodRecord : IDumpRecord
{
    private static readonly ConnectionsRecord NoConnections = new();
    private static readonly PodInfoRecord NoInfo = new();

    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<PodRecord> Fields = new()
    {
        { "state", static (ref reader, record) => record.State = reader.ReadString() },
        {
            "connections",
            static (ref reader, record) => record.Connections = reader.ReadObject(ConnectionsRecord.Fields) ?? NoConnections
        },
        { "info", static (ref reader, record) => record.Info = reader.ReadObject(PodInfoRecord.Fields) ?? NoInfo },
    };

    /// <summary>What is open.</summary>
    public ConnectionsRecord Connections { get; private set; } = NoConnections;

    /// <summary>Who it is.</summary>
    public PodInfoRecord Info { get; private set; } = NoInfo;

    private string State { get; set; } = "";

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Optional("state", State);
        json.Name("connections").Value(Connections);
        json.Name("info").Value(Info);
        json.EndObject();
    }
}
