namespace Ztunnel.Inspect.Records;

/// <summary>What a rule of a policy compares with a connection.</summary>
internal sealed class PolicyMatchRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<PolicyMatchRecord> Fields = new()
    {
        {
            "namespaces",
            static (ref reader, record) => record.Namespaces = reader.ReadObjects(StringMatchRecord.Fields)
        },
        {
            "notNamespaces",
            static (ref reader, record) => record.NotNamespaces = reader.ReadObjects(StringMatchRecord.Fields)
        },
        {
            "principals",
            static (ref reader, record) => record.Principals = reader.ReadObjects(StringMatchRecord.Fields)
        },
        {
            "notPrincipals",
            static (ref reader, record) => record.NotPrincipals = reader.ReadObjects(StringMatchRecord.Fields)
        },
        { "sourceIps", static (ref reader, record) => record.SourceIps = reader.ReadStrings() },
        { "notSourceIps", static (ref reader, record) => record.NotSourceIps = reader.ReadStrings() },
        { "destinationIps", static (ref reader, record) => record.DestinationIps = reader.ReadStrings() },
        { "notDestinationIps", static (ref reader, record) => record.NotDestinationIps = reader.ReadStrings() },
        { "destinationPorts", static (ref reader, record) => record.DestinationPorts = reader.ReadList(Port) },
        { "notDestinationPorts", static (ref reader, record) => record.NotDestinationPorts = reader.ReadList(Port) },
        {
            "serviceAccounts",
            static (ref reader, record) => record.ServiceAccounts = reader.ReadObjects(ServiceAccountRecord.Fields)
        },
        {
            "notServiceAccounts",
            static (ref reader, record) => record.NotServiceAccounts = reader.ReadObjects(ServiceAccountRecord.Fields)
        },
    };

    private List<StringMatchRecord>? Namespaces { get; set; }

    private List<StringMatchRecord>? NotNamespaces { get; set; }

    private List<StringMatchRecord>? Principals { get; set; }

    private List<StringMatchRecord>? NotPrincipals { get; set; }

    private List<string>? SourceIps { get; set; }

    private List<string>? NotSourceIps { get; set; }

    private List<string>? DestinationIps { get; set; }

    private List<string>? NotDestinationIps { get; set; }

    private List<int>? DestinationPorts { get; set; }

    private List<int>? NotDestinationPorts { get; set; }

    private List<ServiceAccountRecord>? ServiceAccounts { get; set; }

    private List<ServiceAccountRecord>? NotServiceAccounts { get; set; }

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Optional("namespaces", Namespaces, static (json, match) => json.Value(match));
        json.Optional("notNamespaces", NotNamespaces, static (json, match) => json.Value(match));
        json.Optional("principals", Principals, static (json, match) => json.Value(match));
        json.Optional("notPrincipals", NotPrincipals, static (json, match) => json.Value(match));
        json.Optional("sourceIps", SourceIps);
        json.Optional("notSourceIps", NotSourceIps);
        json.Optional("destinationIps", DestinationIps);
        json.Optional("notDestinationIps", NotDestinationIps);
        json.Optional("destinationPorts", DestinationPorts, static (json, port) => json.Value(port));
        json.Optional("notDestinationPorts", NotDestinationPorts, static (json, port) => json.Value(port));
        json.Optional("serviceAccounts", ServiceAccounts, static (json, match) => json.Value(match));
        json.Optional("notServiceAccounts", NotServiceAccounts, static (json, match) => json.Value(match));
        json.EndObject();
    }

    private static int Port(ref RecordReader reader) => (int)reader.ReadNumber(ushort.MaxValue);
}
