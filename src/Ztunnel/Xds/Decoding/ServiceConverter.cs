using System.Collections.Immutable;
using Ztunnel.Mesh;
using Proto = Ztunnel.Protos.WorkloadApi;

namespace Ztunnel.Xds.Decoding;

/// <summary>Converts services (proto message <c>istio.workload.Service</c>).</summary>
internal readonly struct ServiceConverter(TextPool texts)
{
    /// <exception cref="ResourceRejectedException">Something in it is not understood.</exception>
    public Service Convert(Proto.Service service)
    {
        var shared = texts;
        var vips = ImmutableArray.CreateBuilder<NetworkAddress>();
        var ranges = ImmutableArray.CreateBuilder<CidrVip>();
        foreach (var address in service.Addresses)
        {
            var network = shared.Shared(address.Network);
            if (address.HasLength && address.Length != address.Address.Length * 8)
            {
                ranges.Add(new CidrVip(network, AddressBytes.ToRange(address.Address, address.Length)));
            }
            else
            {
                vips.Add(new NetworkAddress(network, AddressBytes.ToAddress(address.Address)));
            }
        }

        return new Service
        {
            Name = service.Name,
            Namespace = shared.Shared(service.Namespace),
            Hostname = service.Hostname,
            Vips = vips.DrainToImmutable(),
            CidrVips = ranges.DrainToImmutable(),
            Ports = PortConverter.Convert(service.Ports),
            SubjectAltNames = [.. service.SubjectAltNames],
            Waypoint = GatewayConverter.Convert(service.Waypoint, shared),
            WeightedWaypoints =
            [
                .. service.WeightedWaypoints.Select(waypoint => new WeightedWaypoint(
                    GatewayConverter.ConvertPresent(waypoint.Destination, shared), waypoint.Weight)),
            ],
            LoadBalancer = Balancer(service.LoadBalancing),
            IpFamilies = Families(service.IpFamilies),
            Canonical = service.Canonical,
            Visibility = service.Visibility == Proto.Service.Types.Visibility.Namespace
                ? Visibility.Namespace
                : Visibility.Public,
        };
    }

    private static IpFamilies? Families(Proto.IPFamilies families) => families switch
    {
        Proto.IPFamilies.Automatic => null,
        Proto.IPFamilies.Ipv4Only => IpFamilies.IPv4,
        Proto.IPFamilies.Ipv6Only => IpFamilies.IPv6,
        Proto.IPFamilies.Dual => IpFamilies.Dual,
        _ => throw new ResourceRejectedException($"unknown IP families {families:D}"),
    };

    private static LoadBalancer? Balancer(Proto.LoadBalancing? balancing) => balancing is null
        ? null
        : new LoadBalancer(
            [.. balancing.RoutingPreference.Select(Scope)], Mode(balancing.Mode), Health(balancing.HealthPolicy));

    private static LoadBalancerScope Scope(Proto.LoadBalancing.Types.Scope scope) => scope switch
    {
        Proto.LoadBalancing.Types.Scope.Region => LoadBalancerScope.Region,
        Proto.LoadBalancing.Types.Scope.Zone => LoadBalancerScope.Zone,
        Proto.LoadBalancing.Types.Scope.Subzone => LoadBalancerScope.Subzone,
        Proto.LoadBalancing.Types.Scope.Node => LoadBalancerScope.Node,
        Proto.LoadBalancing.Types.Scope.Cluster => LoadBalancerScope.Cluster,
        Proto.LoadBalancing.Types.Scope.Network => LoadBalancerScope.Network,
        _ => throw new ResourceRejectedException($"unknown load balancing scope {scope:D}"),
    };

    private static LoadBalancerMode Mode(Proto.LoadBalancing.Types.Mode mode) => mode switch
    {
        Proto.LoadBalancing.Types.Mode.UnspecifiedMode => LoadBalancerMode.Standard,
        Proto.LoadBalancing.Types.Mode.Strict => LoadBalancerMode.Strict,
        Proto.LoadBalancing.Types.Mode.Failover => LoadBalancerMode.Failover,
        Proto.LoadBalancing.Types.Mode.Passthrough => LoadBalancerMode.Passthrough,
        _ => throw new ResourceRejectedException($"unknown load balancing mode {mode:D}"),
    };

    private static HealthPolicy Health(Proto.LoadBalancing.Types.HealthPolicy policy) => policy switch
    {
        Proto.LoadBalancing.Types.HealthPolicy.OnlyHealthy => HealthPolicy.OnlyHealthy,
        Proto.LoadBalancing.Types.HealthPolicy.AllowAll => HealthPolicy.AllowAll,
        _ => throw new ResourceRejectedException($"unknown health policy {policy:D}"),
    };
}
