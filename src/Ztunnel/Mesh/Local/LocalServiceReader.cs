using Ztunnel.Mesh.Maps;

namespace Ztunnel.Mesh.Local;

/// <summary>Reads the entries of <c>services</c>.</summary>
internal static class LocalServiceReader
{
    public static Service Read(LocalValue value)
    {
        var fields = value.Object();
        var service = new Service
        {
            Name = fields.Required("name").Text(),
            Namespace = fields.Required("namespace").Text(),
            Hostname = fields.Required("hostname").Text(),
            Vips = fields.Required("vips").List(LocalReferences.NetworkAddress),
            CidrVips = fields.List("cidrVips", CidrVip),
            Ports = LocalReferences.Ports(fields.Required("ports")),
            Endpoints = fields.Optional("endpoints") is { } endpoints ? Endpoints(endpoints) : HashMap<string, ServiceEndpoint>.Empty,
            SubjectAltNames = fields.List("subjectAltNames", name => name.Text()),
            Waypoint = fields.Optional("waypoint") is { } waypoint ? LocalReferences.Gateway(waypoint) : null,
            WeightedWaypoints = fields.List("weightedWaypoints", WeightedWaypoint),
            LoadBalancer = fields.Optional("loadBalancer") is { } loadBalancer ? LoadBalancer(loadBalancer) : null,
            IpFamilies = fields.Optional("ipFamilies") is { } families ? IpFamilies(families) : null,
            Canonical = fields.Optional("canonical")?.Boolean() ?? false,
            Visibility = fields.Optional("visibility")?.Choice(
                ("Public", Visibility.Public), ("Namespace", Visibility.Namespace)) ?? Visibility.Public,
        };
        fields.RejectOtherKeys();
        return service;
    }

    private static CidrVip CidrVip(LocalValue value)
    {
        var fields = value.Object();
        return new(fields.Required("network").Text(), fields.Required("cidr").Network());
    }

    private static HashMap<string, ServiceEndpoint> Endpoints(LocalValue value)
    {
        var endpoints = HashMap<string, ServiceEndpoint>.Empty.ToBuilder();
        foreach (var (uid, endpoint) in value.Entries())
        {
            endpoints[uid.KeyText()] = Endpoint(endpoint);
        }

        return endpoints.ToMap();
    }

    private static ServiceEndpoint Endpoint(LocalValue value)
    {
        var fields = value.Object();
        var endpoint = new ServiceEndpoint(
            fields.Required("workloadUid").Text(),
            LocalReferences.Ports(fields.Required("port")),
            LocalReferences.Status(fields.Required("status")));
        fields.RejectOtherKeys();
        return endpoint;
    }

    private static WeightedWaypoint WeightedWaypoint(LocalValue value)
    {
        var fields = value.Object();
        var waypoint = new WeightedWaypoint(
            LocalReferences.Gateway(fields.Required("destination")), fields.Required("weight").UInt32());
        fields.RejectOtherKeys();
        return waypoint;
    }

    private static LoadBalancer LoadBalancer(LocalValue value)
    {
        var fields = value.Object();
        var loadBalancer = new LoadBalancer(
            fields.Required("routingPreferences").List(Scope),
            fields.Required("mode").Choice(
                ("Standard", LoadBalancerMode.Standard),
                ("Strict", LoadBalancerMode.Strict),
                ("Failover", LoadBalancerMode.Failover),
                ("Passthrough", LoadBalancerMode.Passthrough)),
            fields.Required("healthPolicy").Choice(
                ("OnlyHealthy", HealthPolicy.OnlyHealthy), ("AllowAll", HealthPolicy.AllowAll)));
        fields.RejectOtherKeys();
        return loadBalancer;
    }

    private static LoadBalancerScope Scope(LocalValue value) => value.Choice(
        ("Region", LoadBalancerScope.Region),
        ("Zone", LoadBalancerScope.Zone),
        ("Subzone", LoadBalancerScope.Subzone),
        ("Node", LoadBalancerScope.Node),
        ("Cluster", LoadBalancerScope.Cluster),
        ("Network", LoadBalancerScope.Network));

    private static IpFamilies IpFamilies(LocalValue value) => value.Choice(
        ("Dual", Mesh.IpFamilies.Dual), ("IPv4", Mesh.IpFamilies.IPv4), ("IPv6", Mesh.IpFamilies.IPv6));
}
