namespace Ztunnel.Inspect.Records;

/// <summary>One element of <c>certificates</c>: an identity and what was issued for it.</summary>
internal sealed class CertificateRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<CertificateRecord> Fields = new()
    {
        { "identity", static (ref reader, record) => record.Identity = reader.ReadString() },
        { "state", static (ref reader, record) => record.State = reader.ReadString() },
        { "certChain", static (ref reader, record) => record.Chain = reader.ReadObjects(IssuedRecord.Fields) },
        { "rootCerts", static (ref reader, record) => record.Roots = reader.ReadObjects(IssuedRecord.Fields) },
    };

    /// <summary>SPIFFE ID.</summary>
    public string Identity { get; private set; } = "";

    /// <summary><c>Initializing</c>, <c>Available</c> or <c>Unavailable: </c> and the reason.</summary>
    public string State { get; private set; } = "";

    /// <summary>The leaf, and who issued it; in older dumps the root comes last and <see cref="Roots"/> is empty.</summary>
    public List<IssuedRecord>? Chain { get; private set; }

    /// <summary>What peers are verified with.</summary>
    public List<IssuedRecord>? Roots { get; private set; }

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Name("identity").Value(Identity);
        json.Name("state").Value(State);
        json.Name("certChain").List(Chain, static (json, issued) => json.Value(issued));
        json.Name("rootCerts").List(Roots, static (json, issued) => json.Value(issued));
        json.EndObject();
    }
}
