namespace Ztunnel.Inspect.Records;

/// <summary>One X.509 certificate.</summary>
internal sealed class IssuedRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<IssuedRecord> Fields = new()
    {
        { "pem", static (ref reader, record) => record.Pem = reader.ReadString() },
        { "serialNumber", static (ref reader, record) => record.SerialNumber = reader.ReadString() },
        { "validFrom", static (ref reader, record) => record.ValidFrom = reader.ReadString() },
        { "expirationTime", static (ref reader, record) => record.ExpirationTime = reader.ReadString() },
    };

    /// <summary>Decimal.</summary>
    public string SerialNumber { get; private set; } = "";

    /// <summary>RFC 3339.</summary>
    public string ValidFrom { get; private set; } = "";

    /// <summary>RFC 3339.</summary>
    public string ExpirationTime { get; private set; } = "";

    private string Pem { get; set; } = "";

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Name("pem").Value(Pem);
        json.Name("serialNumber").Value(SerialNumber);
        json.Name("validFrom").Value(ValidFrom);
        json.Name("expirationTime").Value(ExpirationTime);
        json.EndObject();
    }
}
