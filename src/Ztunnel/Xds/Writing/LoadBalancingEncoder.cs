using Ztunnel.Mesh;
using Proto = Ztunnel.Protos.WorkloadApi.LoadBalancing;

namespace Ztunnel.Xds.Writing;

/// <summary>How endpoints are chosen, as the control plane says it (proto message <c>LoadBalancing</c>).</summary>
internal static class LoadBalancingEncoder
{
    /// <summary>Null for null.</summary>
    public static Proto? Encode(LoadBalancer? balancer)
    {
        if (balancer is null)
        {
            return null;
        }

        var message = new Proto
        {
            Mode = balancer.Mode switch
            {
                LoadBalancerMode.Standard => Proto.Types.Mode.UnspecifiedMode,
                LoadBalancerMode.Strict => Proto.Types.Mode.Strict,
                LoadBalancerMode.Failover => Proto.Types.Mode.Failover,
                LoadBalancerMode.Passthrough => Proto.Types.Mode.Passthrough,
                _ => throw AddressEncoder.Unknown(balancer.Mode),
            },
            HealthPolicy = balancer.HealthPolicy switch
            {
                HealthPolicy.OnlyHealthy => Proto.Types.HealthPolicy.OnlyHealthy,
                HealthPolicy.AllowAll => Proto.Types.HealthPolicy.AllowAll,
                _ => throw AddressEncoder.Unknown(balancer.HealthPolicy),
            },
        };
        message.RoutingPreference.Add(balancer.RoutingPreferences.Select(Scope));
        return message;
    }

    private static Proto.Types.Scope Scope(LoadBalancerScope scope) => scope switch
    {
        LoadBalancerScope.Region => Proto.Types.Scope.Region,
        LoadBalancerScope.Zone => Proto.Types.Scope.Zone,
        LoadBalancerScope.Subzone => Proto.Types.Scope.Subzone,
        LoadBalancerScope.Node => Proto.Types.Scope.Node,
        LoadBalancerScope.Cluster => Proto.Types.Scope.Cluster,
        LoadBalancerScope.Network => Proto.Types.Scope.Network,
        _ => throw AddressEncoder.Unknown(scope),
    };
}
