using System.Collections.Immutable;

namespace Ztunnel.Mesh.Routing;

/// <summary>Who asks for an endpoint.</summary>
internal enum ResolutionMode
{
    /// <summary>An application, which dialled a port of the service.</summary>
    Standard,

    /// <summary>
    /// A waypoint reference. Its port need not be one of the service if the workload has an application tunnel, which
    /// takes any.
    /// </summary>
    Waypoint,
}

/// <summary>An endpoint of a service and its port for the service port asked for.</summary>
internal readonly record struct SelectedEndpoint(Workload Workload, ushort TargetPort)
{
    /// <summary>How many endpoints there are, in this or a lesser rank, itself and those passed over included.</summary>
    public int Candidates { get; init; }
}

/// <summary>Chooses one endpoint of a service: the best by locality, among equals at random by capacity.</summary>
internal static class EndpointSelection
{
    // Draws before the endpoints that are passed over are counted out. Of a service that has lost a third of its endpoints
    // one in 81 selections gets that far.
    private const int Draws = 4;

    /// <summary>One endpoint, or null when none can be used. Looks at groups of endpoints that are alike, not at all.</summary>
    /// <remarks>
    /// What is left after passing over is chosen from as if the rest was not there: a draw that is passed over is drawn
    /// again, which keeps the proportions of the others, and after a few draws those are left out from the beginning. Then
    /// a lesser rank has its turn too. When all are ejected, ejection says nothing, and all are used.
    /// </remarks>
    public static SelectedEndpoint? Choose(
        MeshSnapshot snapshot,
        Workload source,
        Service service,
        ushort servicePort,
        ResolutionMode mode,
        Random random,
        in PassedOver passed = default)
    {
        if (mode == ResolutionMode.Standard && !service.Ports.ContainsKey(servicePort))
        {
            return null;
        }

        var choice = new Choice(snapshot, source, service, servicePort, mode, random);
        if (passed.IsEmpty)
        {
            return choice.Make(passed);
        }

        for (var draw = 0; draw < Draws; draw++)
        {
            if (choice.Make(default) is not { } drawn)
            {
                return null;
            }

            if (!passed.Contains(drawn.Workload, drawn.TargetPort))
            {
                return drawn;
            }
        }

        return choice.Make(passed) ?? (passed.Ejected is null ? null : choice.Make(passed.ButEjected));
    }

    private readonly struct Choice(
        MeshSnapshot snapshot, Workload source, Service service, ushort servicePort, ResolutionMode mode, Random random)
    {
        public SelectedEndpoint? Make(in PassedOver passed) => service.Groups is { } groups
            ? GroupSelection.Choose(groups, source, service, servicePort, mode, random, passed)
            : ChooseFromAll(snapshot, source, service, servicePort, mode, random, passed);
    }

    /// <summary>Whether an endpoint of that health may be chosen.</summary>
    public static bool Admits(this Service service, WorkloadStatus status) =>
        status == WorkloadStatus.Healthy || service.LoadBalancer is { HealthPolicy: HealthPolicy.AllowAll };

    // One pass, keeping no list: for what the local file declares, which need not be any workload's.
    private static SelectedEndpoint? ChooseFromAll(
        MeshSnapshot snapshot,
        Workload source,
        Service service,
        ushort servicePort,
        ResolutionMode mode,
        Random random,
        in PassedOver passed)
    {
        SelectedEndpoint? chosen = null;
        var bestRank = -1;
        var totalWeight = 0L;
        var candidates = 0;
        foreach (var (_, endpoint) in service.Endpoints)
        {
            if (!service.Admits(endpoint.Status)
                || snapshot.FindWorkload(endpoint.WorkloadUid) is not { Capacity: > 0 } workload
                || !IsReachable(workload, source)
                || TargetPort(service, endpoint.Ports, workload, servicePort, mode) is not { } targetPort
                || Rank(service.LoadBalancer, source, workload, source.Node == workload.Node) is not { } rank)
            {
                continue;
            }

            candidates++;
            if (rank < bestRank || (!passed.IsEmpty && passed.Contains(workload, targetPort)))
            {
                continue;
            }

            if (rank > bestRank)
            {
                (bestRank, totalWeight) = (rank, 0);
            }

            // Weighted reservoir of one: each candidate replaces the choice with probability weight / weights so far.
            totalWeight += workload.Capacity;
            if (random.NextInt64(totalWeight) < workload.Capacity)
            {
                chosen = new(workload, targetPort);
            }
        }

        return chosen is { } one ? one with { Candidates = candidates } : null;
    }

    /// <summary>
    /// The endpoint's own mapping, else the service's unless it is 0 (named), else for a waypoint whose application
    /// tunnel has a port the service port itself; null when there is none.
    /// </summary>
    public static ushort? TargetPort(
        Service service,
        ImmutableSortedDictionary<ushort, ushort> ownPorts,
        Workload workload,
        ushort servicePort,
        ResolutionMode mode)
    {
        if (ownPorts.GetValueOrDefault(servicePort) is > 0 and var ownPort)
        {
            return ownPort;
        }

        if (service.Ports.GetValueOrDefault(servicePort) is > 0 and var targetPort)
        {
            return targetPort;
        }

        return mode == ResolutionMode.Waypoint && workload.ApplicationTunnel?.Port is not null ? servicePort : null;
    }

    /// <summary>Without address and hostname a workload is reached only through the gateway of another network.</summary>
    public static bool IsReachable(Workload workload, Workload source) =>
        !workload.Addresses.IsEmpty
        || workload.Hostname.Length > 0
        || (workload.Network != source.Network && workload.NetworkGateway is not null);

    /// <summary>
    /// How many leading preferences source and endpoint share; null when the endpoint must not be used. A first
    /// preference for the network outweighs the others together: of [network, region, zone] all match is 5, network and
    /// region 4, network 3, region and zone of another network 2, region 1.
    /// </summary>
    public static int? Rank(LoadBalancer? loadBalancer, Workload source, Workload workload, bool sameNode)
    {
        if (loadBalancer is null or { Mode: LoadBalancerMode.Standard })
        {
            return 0;
        }

        var preferences = loadBalancer.RoutingPreferences;
        var networkFirst = !preferences.IsEmpty && preferences[0] == LoadBalancerScope.Network;
        var sameNetwork = source.Network == workload.Network;
        var matches = MatchesFrom(networkFirst && !sameNetwork ? 1 : 0, preferences, source, workload, sameNode);
        if (loadBalancer.Mode == LoadBalancerMode.Strict)
        {
            return matches == preferences.Length ? matches : null;
        }

        return networkFirst && sameNetwork ? matches + preferences.Length - 1 : matches;
    }

    private static int MatchesFrom(
        int first,
        ImmutableArray<LoadBalancerScope> preferences,
        Workload source,
        Workload workload,
        bool sameNode)
    {
        var matches = 0;
        while (first + matches < preferences.Length && Matches(preferences[first + matches], source, workload, sameNode))
        {
            matches++;
        }

        return matches;
    }

    private static bool Matches(LoadBalancerScope scope, Workload source, Workload workload, bool sameNode) =>
        scope switch
        {
            LoadBalancerScope.Region => source.Locality.Region == workload.Locality.Region,
            LoadBalancerScope.Zone => source.Locality.Zone == workload.Locality.Zone,
            LoadBalancerScope.Subzone => source.Locality.Subzone == workload.Locality.Subzone,
            LoadBalancerScope.Node => sameNode,
            LoadBalancerScope.Cluster => source.ClusterId == workload.ClusterId,
            LoadBalancerScope.Network => source.Network == workload.Network,
            _ => false,
        };
}
