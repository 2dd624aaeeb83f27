using System.Collections.Immutable;

namespace Ztunnel.Mesh.Local;

/// <summary>Reads the entries of <c>workloads</c>.</summary>
internal static class LocalWorkloadReader
{
    public static LocalWorkload Read(LocalValue value)
    {
        var fields = value.Object();
        var workload = new Workload
        {
            Uid = fields.Text("uid"),
            Name = fields.Text("name"),
            Namespace = fields.Required("namespace").Text(),
            ServiceAccount = fields.Text("serviceAccount"),
            TrustDomain = fields.Text("trustDomain"),
            Network = fields.Text("network"),
            Addresses = fields.Required("workloadIps").List(address => address.Address()),
            Hostname = fields.Text("hostname"),
            Protocol = fields.Optional("protocol")?.Choice(
                ("TCP", TunnelProtocol.None), ("HBONE", TunnelProtocol.Hbone)) ?? TunnelProtocol.None,
            NetworkMode = fields.Optional("networkMode")?.Choice(
                ("Standard", NetworkMode.Standard), ("HostNetwork", NetworkMode.HostNetwork)) ?? NetworkMode.Standard,
            Status = fields.Optional("status") is { } status ? LocalReferences.Status(status) : WorkloadStatus.Healthy,
            WorkloadName = fields.Text("workloadName"),
            WorkloadType = fields.Optional("workloadType") is { } type ? Type(type) : null,
            CanonicalName = fields.Text("canonicalName"),
            CanonicalRevision = fields.Text("canonicalRevision"),
            Node = fields.Text("node"),
            ClusterId = fields.Text("clusterId"),
            Locality = fields.Optional("locality") is { } locality ? Locality(locality) : Mesh.Locality.Unknown,
            Capacity = fields.Optional("capacity")?.UInt32() ?? 1,
            NativeTunnel = fields.Optional("nativeTunnel")?.Boolean() ?? false,
            Waypoint = fields.Optional("waypoint") is { } waypoint ? LocalReferences.Gateway(waypoint) : null,
            NetworkGateway = fields.Optional("networkGateway") is { } gateway ? LocalReferences.Gateway(gateway) : null,
            ApplicationTunnel = fields.Optional("applicationTunnel") is { } tunnel ? Tunnel(tunnel) : null,
            AuthorizationPolicies = fields.List("authorizationPolicies", policy => policy.Text()),
        };
        var services = Services(fields.Required("services"));
        fields.RejectOtherKeys();
        return new(workload, services);
    }

    private static ImmutableDictionary<NamespacedHostname, ImmutableSortedDictionary<ushort, ushort>> Services(
        LocalValue value) =>
        value.Entries().ToImmutableDictionary(
            entry => entry.Key.ToNamespacedHostname(entry.Key.KeyText()), entry => LocalReferences.Ports(entry.Value));

    private static WorkloadType? Type(LocalValue value) =>
        value.Text().Length == 0
            ? null
            : value.Choice(
                ("deployment", WorkloadType.Deployment),
                ("cronjob", WorkloadType.CronJob),
                ("pod", WorkloadType.Pod),
                ("job", WorkloadType.Job));

    private static Locality Locality(LocalValue value)
    {
        var fields = value.Object();
        return new(
            fields.Required("region").Text(), fields.Required("zone").Text(), fields.Required("subzone").Text());
    }

    private static ApplicationTunnel Tunnel(LocalValue value)
    {
        var fields = value.Object();
        var protocol = fields.Required("protocol").Choice(
            ("NONE", ApplicationTunnelProtocol.None), ("PROXY", ApplicationTunnelProtocol.Proxy));
        var port = fields.Optional("port")?.UInt16();
        fields.RejectOtherKeys();
        return new(protocol, port);
    }
}
