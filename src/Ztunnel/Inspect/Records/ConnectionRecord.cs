namespace Ztunnel.Inspect.Records;

/// <summary>A connection that is open.</summary>
internal sealed class ConnectionRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<ConnectionRecord> Fields = new()
    {
        { "src", static (ref reader, record) => record.Source = reader.ReadString() },
        { "originalDst", static (ref reader, record) => record.OriginalDestination = reader.ReadString() },
        { "actualDst", static (ref reader, record) => record.ActualDestination = reader.ReadString() },
        { "protocol", static (ref reader, record) => record.Protocol = reader.ReadString() },
    };

    /// <summary>Address and port of who connected.</summary>
    public string Source { get; private set; } = "";

    /// <summary>What was dialled; may be a hostname, or empty.</summary>
    public string OriginalDestination { get; private set; } = "";

    /// <summary>Address and port of where it went.</summary>
    public string ActualDestination { get; private set; } = "";

    /// <summary><c>HBONE</c>, <c>TCP</c> or <c>DOUBLEHBONE</c>.</summary>
    public string Protocol { get; private set; } = "";

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Name("src").Value(Source);
        json.Name("originalDst").Value(OriginalDestination);
        json.Name("actualDst").Value(ActualDestination);
        json.Name("protocol").Value(Protocol);
        json.EndObject();
    }
}
