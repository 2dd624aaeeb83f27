namespace Ztunnel.Inspect.Records;

/// <summary>What a workload's application speaks itself.</summary>
internal sealed class ApplicationTunnelRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<ApplicationTunnelRecord> Fields = new()
    {
        { "protocol", static (ref reader, record) => record.Protocol = reader.ReadString() },
        { "port", static (ref reader, record) => record.Port = reader.ReadOptionalPort() },
    };

    private string Protocol { get; set; } = "";

    private int? Port { get; set; }

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Name("protocol").Value(Protocol);
        if (Port is { } port)
        {
            json.Name("port").Value(port);
        }

        json.EndObject();
    }
}
