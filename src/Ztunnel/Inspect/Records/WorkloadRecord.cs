namespace Ztunnel.Inspect.Records;

/// <summary>One element of <c>workloads</c>.</summary>
internal sealed class WorkloadRecord : IDumpRecord
{
    /// <summary>For <see cref="RecordReader"/>.</summary>
    public static readonly FieldMap<WorkloadRecord> Fields = new()
    {
        { "uid", static (ref reader, record) => record.Uid = reader.ReadString() },
        { "protocol", static (ref reader, record) => record.Protocol = reader.ReadString() },
        { "name", static (ref reader, record) => record.Name = reader.ReadString() },
        { "namespace", static (ref reader, record) => record.Namespace = reader.ReadString() },
        { "serviceAccount", static (ref reader, record) => record.ServiceAccount = reader.ReadString() },
        { "workloadName", static (ref reader, record) => record.WorkloadName = reader.ReadString() },
        { "workloadType", static (ref reader, record) => record.WorkloadType = reader.ReadString() },
        { "canonicalName", static (ref reader, record) => record.CanonicalName = reader.ReadString() },
        { "canonicalRevision", static (ref reader, record) => record.CanonicalRevision = reader.ReadString() },
        { "clusterId", static (ref reader, record) => record.ClusterId = reader.ReadString() },
        { "trustDomain", static (ref reader, record) => record.TrustDomain = reader.ReadString() },
        { "node", static (ref reader, record) => record.Node = reader.ReadString() },
        { "network", static (ref reader, record) => record.Network = reader.ReadString() },
        { "status", static (ref reader, record) => record.Status = reader.ReadString() },
        { "hostname", static (ref reader, record) => record.Hostname = reader.ReadString() },
        { "workloadIps", static (ref reader, record) => record.Addresses = reader.ReadStrings() },
        { "authorizationPolicies", static (ref reader, record) => record.Policies = reader.ReadStrings() },
        { "capacity", static (ref reader, record) => record.Capacity = reader.ReadNumber(uint.MaxValue) },
        { "waypoint", static (ref reader, record) => record.Waypoint = reader.ReadObject(GatewayRecord.Fields) },
        { "networkGateway", static (ref reader, record) => record.Gateway = reader.ReadObject(GatewayRecord.Fields) },
        { "locality", static (ref reader, record) => record.Locality = reader.ReadObject(LocalityRecord.Fields) },
        {
            "applicationTunnel",
            static (ref reader, record) => record.Tunnel = reader.ReadObject(ApplicationTunnelRecord.Fields)
        },
    };

    private static readonly LocalityRecord NoLocality = new();
    private static readonly ApplicationTunnelRecord NoTunnel = new();

    /// <summary>Unique in the mesh.</summary>
    public string Uid { get; private set; } = "";

    /// <summary><c>HBONE</c> or <c>TCP</c>.</summary>
    public string Protocol { get; private set; } = "";

    /// <summary>Of the pod.</summary>
    public string Name { get; private set; } = "";

    /// <summary>Of the pod.</summary>
    public string Namespace { get; private set; } = "";

    /// <summary>Where it runs, empty when unknown.</summary>
    public string Node { get; private set; } = "";

    /// <summary><c>Healthy</c> or <c>Unhealthy</c>.</summary>
    public string Status { get; private set; } = "";

    /// <summary>Instead of addresses.</summary>
    public string Hostname { get; private set; } = "";

    /// <summary>IP addresses.</summary>
    public List<string>? Addresses { get; private set; }

    /// <summary>That its inbound traffic goes through.</summary>
    public GatewayRecord? Waypoint { get; private set; }

    private string ServiceAccount { get; set; } = "";

    private string WorkloadName { get; set; } = "";

    private string WorkloadType { get; set; } = "";

    private string CanonicalName { get; set; } = "";

    private string CanonicalRevision { get; set; } = "";

    private string ClusterId { get; set; } = "";

    private string TrustDomain { get; set; } = "";

    private string Network { get; set; } = "";

    private List<string>? Policies { get; set; }

    private long Capacity { get; set; }

    private GatewayRecord? Gateway { get; set; }

    private LocalityRecord? Locality { get; set; }

    private ApplicationTunnelRecord? Tunnel { get; set; }

    /// <inheritdoc/>
    public void WriteTo(GoJsonWriter json)
    {
        json.StartObject();
        json.Name("uid").Value(Uid);
        json.Name("workloadIps").List(Addresses);
        json.Optional("waypoint", Waypoint);
        json.Optional("networkGateway", Gateway);
        json.Name("protocol").Value(Protocol);
        json.Name("name").Value(Name);
        json.Name("namespace").Value(Namespace);
        json.Name("serviceAccount").Value(ServiceAccount);
        json.Name("workloadName").Value(WorkloadName);
        json.Name("workloadType").Value(WorkloadType);
        json.Name("canonicalName").Value(CanonicalName);
        json.Name("canonicalRevision").Value(CanonicalRevision);
        json.Name("clusterId").Value(ClusterId);
        json.Optional("trustDomain", TrustDomain);
        json.Name("locality").Value(Locality ?? NoLocality);
        json.Name("node").Value(Node);
        json.Optional("network", Network);
        json.Name("status").Value(Status);
        json.Name("hostname").Value(Hostname);
        json.Name("capacity").Value(Capacity);
        json.Name("applicationTunnel").Value(Tunnel ?? NoTunnel);
        json.Optional("authorizationPolicies", Policies);
        json.EndObject();
    }
}
