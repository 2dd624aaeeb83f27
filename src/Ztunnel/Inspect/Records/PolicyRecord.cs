namespace Ztunnel.Inspect.Records;

/// <summary>One element of <c>policies</c>.</summary>
internal sealed class PolicyRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<PolicyRecord> Fields = new()
    {
        { "name", static (ref reader, record) => record.Name = reader.ReadString() },
        { "namespace", static (ref reader, record) => record.Namespace = reader.ReadString() },
        { "scope", static (ref reader, record) => record.Scope = reader.ReadString() },
        { "action", static (ref reader, record) => record.Action = reader.ReadString() },
        { "rules", static (ref reader, record) => record.Rules = reader.ReadList(Rule) },
    };

    /// <summary>Of the Kubernetes resource.</summary>
    public string Name { get; private set; } = "";

    /// <summary>Of the Kubernetes resource.</summary>
    public string Namespace { get; private set; } = "";

    /// <summary><c>Global</c>, <c>Namespace</c> or <c>WorkloadSelector</c>.</summary>
    public string Scope { get; private set; } = "";

    /// <summary><c>Allow</c> or <c>Deny</c>.</summary>
    public string Action { get; private set; } = "";

    // A rule of clauses, all of which hold if one of their matches does.
    private List<List<List<PolicyMatchRecord>?>?>? Rules { get; set; }

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Name("name").Value(Name);
        json.Name("namespace").Value(Namespace);
        json.Name("scope").Value(Scope);
        json.Name("action").Value(Action);
        json.Name("rules").List(Rules, static (json, rule) =>
            json.List(rule, static (json, clause) =>
                json.List(clause, static (json, match) => json.Value(match))));
        json.EndObject();
    }

    private static List<List<PolicyMatchRecord>?>? Rule(ref RecordReader reader) =>
        reader.ReadList(static (ref reader) => reader.ReadObjects(PolicyMatchRecord.Fields));
}
