namespace Ztunnel.Inspect.Records;

/// <summary>A workload behind a service.</summary>
internal sealed class EndpointRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<EndpointRecord> Fields = new()
    {
        { "workloadUid", static (ref reader, record) => record.WorkloadUid = reader.ReadString() },
        { "service", static (ref reader, record) => record.Service = reader.ReadString() },
        { "address", static (ref reader, record) => record.Address = reader.ReadString() },
        { "port", static (ref reader, record) => record.Ports = reader.ReadPorts() },
    };

    /// <summary><see cref="WorkloadRecord.Uid"/> of the workload.</summary>
    public string WorkloadUid { get; private set; } = "";

    private string Service { get; set; } = "";

    private string Address { get; set; } = "";

    private Dictionary<string, int>? Ports { get; set; }

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Name("workloadUid").Value(WorkloadUid);
        json.Name("service").Value(Service);
        json.Optional("address", Address);
        json.Name("port").Ports(Ports);
        json.EndObject();
    }
}
