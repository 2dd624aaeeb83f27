namespace Ztunnel.Inspect.Records;

/// <summary>The open connections of a pod.</summary>
internal sealed class ConnectionsRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<ConnectionsRecord> Fields = new()
    {
        { "inbound", static (ref reader, record) => record.Inbound = reader.ReadObjects(ConnectionRecord.Fields) },
        { "outbound", static (ref reader, record) => record.Outbound = reader.ReadObjects(ConnectionRecord.Fields) },
    };

    /// <summary>To the pod.</summary>
    public List<ConnectionRecord>? Inbound { get; private set; }

    /// <summary>From the pod.</summary>
    public List<ConnectionRecord>? Outbound { get; private set; }

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Name("inbound").List(Inbound, static (json, connection) => json.Value(connection));
        json.Name("outbound").List(Outbound, static (json, connection) => json.Value(connection));
        json.EndObject();
    }
}
