namespace Ztunnel.Inspect.Records;

/// <summary>Waypoint or network gateway of a workload or service.</summary>
internal sealed class GatewayRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<GatewayRecord> Fields = new()
    {
        { "destination", static (ref reader, record) => record.Destination = reader.ReadString() },
    };

    /// <summary><c>network/address</c> or <c>namespace/hostname</c>.</summary>
    public string Destination { get; private set; } = "";

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Name("destination").Value(Destination);
        json.EndObject();
    }
}
