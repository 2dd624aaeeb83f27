using Ztunnel.Mesh;
using Proto = Ztunnel.Protos.WorkloadApi;

namespace ControlPlane;

/// <summary>Writes services (proto message <c>istio.workload.Service</c>).</summary>
internal static class ServiceMessage
{
    public static Proto.Service Of(Service service)
    {
        var message = new Proto.Service
        {
            Name = service.Name,
            Namespace = service.Namespace,
            Hostname = service.Hostname,
            Waypoint = GatewayMessage.Of(service.Waypoint),
            LoadBalancing = service.LoadBalancer is { } balancer ? Balancing(balancer) : null,
            IpFamilies = Families(service.IpFamilies),
            Canonical = service.Canonical,
            Visibility = service.Visibility == Visibility.Namespace
                ? Proto.Service.Types.Visibility.Namespace
                : Proto.Service.Types.Visibility.Public,
        };
        message.Addresses.Add(service.Vips.Select(vip => new Proto.NetworkAddress
        {
            Network = vip.Network,
            Address = WorkloadMessage.Bytes(vip.Address),
        }));
        message.Addresses.Add(service.CidrVips.Select(range => new Proto.NetworkAddress
        {
            Network = range.Network,
            Address = WorkloadMessage.Bytes(range.Cidr.BaseAddress),
            Length = (uint)range.Cidr.PrefixLength,
        }));
        message.Ports.Add(WorkloadMessage.PortMessages(service.Ports));
        message.SubjectAltNames.Add(service.SubjectAltNames);
        message.WeightedWaypoints.Add(service.WeightedWaypoints.Select(waypoint => new Proto.WeightedWaypoint
        {
            Destination = GatewayMessage.Of(waypoint.Destination),
            Weight = waypoint.Weight,
        }));
        return message;
    }

    private static Proto.IPFamilies Families(IpFamilies? families) => families switch
    {
        IpFamilies.IPv4 => Proto.IPFamilies.Ipv4Only,
        IpFamilies.IPv6 => Proto.IPFamilies.Ipv6Only,
        IpFamilies.Dual => Proto.IPFamilies.Dual,
        _ => Proto.IPFamilies.Automatic,
    };

    private static Proto.LoadBalancing Balancing(LoadBalancer balancer)
    {
        var message = new Proto.LoadBalancing
        {
            Mode = balancer.Mode switch
            {
                LoadBalancerMode.Strict => Proto.LoadBalancing.Types.Mode.Strict,
                LoadBalancerMode.Failover => Proto.LoadBalancing.Types.Mode.Failover,
                LoadBalancerMode.Passthrough => Proto.LoadBalancing.Types.Mode.Passthrough,
                _ => Proto.LoadBalancing.Types.Mode.UnspecifiedMode,
            },
            HealthPolicy = balancer.HealthPolicy == HealthPolicy.AllowAll
                ? Proto.LoadBalancing.Types.HealthPolicy.AllowAll
                : Proto.LoadBalancing.Types.HealthPolicy.OnlyHealthy,
        };
        message.RoutingPreference.Add(balancer.RoutingPreferences.Select(Scope));
        return message;
    }

    private static Proto.LoadBalancing.Types.Scope Scope(LoadBalancerScope scope) => scope switch
    {
        LoadBalancerScope.Region => Proto.LoadBalancing.Types.Scope.Region,
        LoadBalancerScope.Zone => Proto.LoadBalancing.Types.Scope.Zone,
        LoadBalancerScope.Subzone => Proto.LoadBalancing.Types.Scope.Subzone,
        LoadBalancerScope.Node => Proto.LoadBalancing.Types.Scope.Node,
        LoadBalancerScope.Cluster => Proto.LoadBalancing.Types.Scope.Cluster,
        LoadBalancerScope.Network => Proto.LoadBalancing.Types.Scope.Network,
        _ => throw new ArgumentOutOfRangeException(nameof(scope), scope, "unknown scope"),
    };
}
