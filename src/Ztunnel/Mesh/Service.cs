using System.Collections.Immutable;
using System.Net;
using Ztunnel.Mesh.Maps;

namespace Ztunnel.Mesh;

/// <summary>A service as the control plane describes it (proto message <c>istio.workload.Service</c>). Immutable.</summary>
internal sealed record Service
{
    public required string Name { get; init; }

    public required string Namespace { get; init; }

    /// <summary>Fully qualified name; may be a wildcard <c>*.example.com</c>.</summary>
    public required string Hostname { get; init; }

    /// <summary>Virtual addresses; empty for headless services.</summary>
    public ImmutableArray<NetworkAddress> Vips { get; init; } = [];

    /// <summary>Virtual address ranges.</summary>
    public ImmutableArray<CidrVip> CidrVips { get; init; } = [];

    /// <summary>Service port to target port; 0 is a named target port.</summary>
    public ImmutableSortedDictionary<ushort, ushort> Ports { get; init; } = ImmutableSortedDictionary<ushort, ushort>.Empty;

    /// <summary>Endpoints by workload uid, unhealthy ones included: they are filtered when one is chosen.</summary>
    public HashMap<string, ServiceEndpoint> Endpoints { get; init; } = HashMap<string, ServiceEndpoint>.Empty;

    /// <summary>
    /// The same endpoints in groups, for choosing one; null where not all of them are what workloads make of themselves.
    /// </summary>
    public EndpointSet? Groups { get; init; }

    /// <summary>Further server identities that are accepted; entries that are not SPIFFE IDs are ignored.</summary>
    public ImmutableArray<string> SubjectAltNames { get; init; } = [];

    public GatewayAddress? Waypoint { get; init; }

    public ImmutableArray<WeightedWaypoint> WeightedWaypoints { get; init; } = [];

    public LoadBalancer? LoadBalancer { get; init; }

    /// <summary>Null is AUTOMATIC.</summary>
    public IpFamilies? IpFamilies { get; init; }

    /// <summary>Wins among services that share a hostname or address.</summary>
    public bool Canonical { get; init; }

    public Visibility Visibility { get; init; }

    /// <summary>Whether being on one node counts when an endpoint is chosen.</summary>
    public bool PrefersNode => LoadBalancer is { Mode: not LoadBalancerMode.Standard } balancer
        && balancer.RoutingPreferences.Contains(LoadBalancerScope.Node);

    public NamespacedHostname NamespacedHostname => new(Namespace, Hostname);
}

/// <summary>One endpoint of a service.</summary>
/// <param name="WorkloadUid">The workload behind it.</param>
/// <param name="Ports">Its own service-to-target port map, which wins over the service's.</param>
/// <param name="Status">Health as last announced.</param>
internal sealed record ServiceEndpoint(
    string WorkloadUid, ImmutableSortedDictionary<ushort, ushort> Ports, WorkloadStatus Status);

/// <summary>A range of virtual addresses on a network.</summary>
internal readonly record struct CidrVip(string Network, IPNetwork Cidr);

/// <summary>How an endpoint is chosen (proto message <c>LoadBalancing</c>).</summary>
internal sealed record LoadBalancer(
    ImmutableArray<LoadBalancerScope> RoutingPreferences, LoadBalancerMode Mode, HealthPolicy HealthPolicy);

/// <summary>Proto enum <c>LoadBalancing.Mode</c>.</summary>
internal enum LoadBalancerMode
{
    /// <summary>UNSPECIFIED_MODE: all endpoints alike.</summary>
    Standard,
    Strict,
    Failover,
    Passthrough,
}

/// <summary>Proto enum <c>LoadBalancing.Scope</c>.</summary>
internal enum LoadBalancerScope
{
    Region,
    Zone,
    Subzone,
    Node,
    Cluster,
    Network,
}

/// <summary>Proto enum <c>LoadBalancing.HealthPolicy</c>.</summary>
internal enum HealthPolicy
{
    OnlyHealthy,
    AllowAll,
}

/// <summary>Proto enum <c>IPFamilies</c> without AUTOMATIC.</summary>
internal enum IpFamilies
{
    Dual,
    IPv4,
    IPv6,
}

/// <summary>Proto enum <c>Service.Visibility</c>.</summary>
internal enum Visibility
{
    Public,
    Namespace,
}
