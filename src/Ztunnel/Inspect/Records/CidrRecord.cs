namespace Ztunnel.Inspect.Records;

/// <summary>A range of addresses that belongs to a service; printed as <c>network/cidr</c>.</summary>
internal sealed class CidrRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<CidrRecord> Fields = new()
    {
        { "network", static (ref reader, record) => record.Network = reader.ReadString() },
        { "cidr", static (ref reader, record) => record.Cidr = reader.ReadString() },
    };

    private string Network { get; set; } = "";

    private string Cidr { get; set; } = "";

    /// <summary>Reads an object, or a string that has the printed form already.</summary>
    public static string Read(ref RecordReader reader) =>
        reader.IsString ? reader.ReadString() : (reader.ReadObject(Fields) ?? new CidrRecord()).ToString();

    /// <inheritdoc/>
    public override string ToString() => $"{Network}/{Cidr}";
}
