namespace Ztunnel.Inspect.Records;

/// <summary>One element of <c>services</c>.</summary>
internal sealed class ServiceRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<ServiceRecord> Fields = new()
    {
        { "name", static (ref reader, record) => record.Name = reader.ReadString() },
        { "namespace", static (ref reader, record) => record.Namespace = reader.ReadString() },
        { "hostname", static (ref reader, record) => record.Hostname = reader.ReadString() },
        { "vips", static (ref reader, record) => record.Vips = reader.ReadStrings() },
        { "cidrVips", static (ref reader, record) => record.CidrVips = reader.ReadList(CidrRecord.Read) },
        { "ports", static (ref reader, record) => record.Ports = reader.ReadPorts() },
        {
            "loadBalancer",
            static (ref reader, record) => record.LoadBalancer = reader.ReadObject(LoadBalancerRecord.Fields)
        },
        { "waypoint", static (ref reader, record) => record.Waypoint = reader.ReadObject(GatewayRecord.Fields) },
        {
            "endpoints",
            static (ref reader, record) => record.Endpoints = reader.ReadMap(
                static (ref reader) => reader.ReadObject(EndpointRecord.Fields) ?? new EndpointRecord())
        },
        { "subjectAltNames", static (ref reader, record) => record.SubjectAltNames = reader.ReadStrings() },
        { "ipFamilies", static (ref reader, record) => record.IpFamilies = reader.ReadString() },
        { "canonical", static (ref reader, record) => record.Canonical = reader.ReadBoolean() },
        { "visibility", static (ref reader, record) => record.Visibility = reader.ReadString() },
    };

    /// <summary>Of the Kubernetes service.</summary>
    public string Name { get; private set; } = "";

    /// <summary>Of the Kubernetes service.</summary>
    public string Namespace { get; private set; } = "";

    /// <summary>Fully qualified.</summary>
    public string Hostname { get; private set; } = "";

    /// <summary>Addresses as <c>network/address</c>.</summary>
    public List<string>? Vips { get; private set; }

    /// <summary>That its traffic goes through.</summary>
    public GatewayRecord? Waypoint { get; private set; }

    /// <summary>By a key that does not matter.</summary>
    public Dictionary<string, EndpointRecord>? Endpoints { get; private set; }

    private List<string>? CidrVips { get; set; }

    private Dictionary<string, int>? Ports { get; set; }

    private LoadBalancerRecord? LoadBalancer { get; set; }

    private List<string>? SubjectAltNames { get; set; }

    private string IpFamilies { get; set; } = "";

    private bool Canonical { get; set; }

    private string Visibility { get; set; } = "";

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Name("name").Value(Name);
        json.Name("namespace").Value(Namespace);
        json.Name("hostname").Value(Hostname);
        json.Name("vips").List(Vips);
        json.Optional("cidrVips", CidrVips);
        json.Name("ports").Ports(Ports);
        json.Optional("loadBalancer", LoadBalancer);
        json.Optional("waypoint", Waypoint);
        json.Name("endpoints").Map(Endpoints, static (json, endpoint) => json.Value(endpoint));
        json.Optional("subjectAltNames", SubjectAltNames);
        json.Name("ipFamilies").Value(IpFamilies);
        if (Canonical)
        {
            json.Name("canonical").Value(Canonical);
        }

        json.Name("visibility").Value(Visibility);
        json.EndObject();
    }
}
