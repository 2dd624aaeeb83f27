using System.Net;
using Ztunnel.Telemetry;

namespace Ztunnel.Mesh.Routing;

/// <summary>Finds who serves an address, directly or as a waypoint.</summary>
/// <param name="snapshot">The mesh, the same for all steps of one decision.</param>
/// <param name="source">Whose traffic it is: its namespace, network and locality decide.</param>
/// <param name="random">Chooses among equals.</param>
/// <param name="passed">Endpoints and waypoints to do without.</param>
internal readonly struct UpstreamResolution(
    MeshSnapshot snapshot, Workload source, Random random, PassedOver passed = default)
{
    // Samples of weighted waypoints before one that is ejected has to do, or none is left.
    private const int Samples = 32;

    /// <summary>Who serves <paramref name="target"/>, found before by its address; null when nobody does.</summary>
    public Upstream? Find(MeshAddress found, IPEndPoint target, ResolutionMode mode) => found switch
    {
        { Service: { LoadBalancer.Mode: LoadBalancerMode.Passthrough } } => null,
        { Service: { } service } => FromService(service, (ushort)target.Port, target.Address, mode),
        { Workload: { } workload } => FromWorkload(workload, (ushort)target.Port, target.Address),
        _ => null,
    };

    /// <summary>
    /// The waypoint of this connection to a service: sampled from the weighted ones, else the single one; null when it has
    /// none.
    /// </summary>
    /// <exception cref="ProxyException">It cannot be found: the connection is refused, never sent around it.</exception>
    public Upstream? WaypointOf(Service service, IPEndPoint originalDestination)
    {
        var totalWeight = service.WeightedWaypoints.Sum(waypoint => (long)waypoint.Weight);
        if (totalWeight == 0)
        {
            return service.Waypoint is { } single ? Waypoint(single, originalDestination) : null;
        }

        var others = service.WeightedWaypoints.Count(waypoint => waypoint.Weight > 0) - 1;
        var sampled = passed.IsEmpty
            ? Waypoint(Sample(service, totalWeight), originalDestination)
            : Resampled(service, totalWeight, originalDestination);
        return others == 0 ? sampled : sampled with { Candidates = sampled.Candidates + others };
    }

    /// <summary>Who serves a waypoint reference.</summary>
    /// <exception cref="ProxyException">Nobody: the connection is refused, never sent around the waypoint.</exception>
    public Upstream Waypoint(GatewayAddress waypoint, IPEndPoint originalDestination) =>
        FindWaypoint(waypoint, originalDestination)
        ?? throw UnknownWaypoint(
            waypoint.Hostname is { } name && snapshot.FindGateway(waypoint) is { Service: null, Workload: null }
                ? name.Hostname
                : $"{waypoint.Destination}:{waypoint.HboneMtlsPort}");

    /// <summary>
    /// Whether traffic to <paramref name="destination"/> has been through its waypoint already: the source is that
    /// waypoint, by its identity and by the address it connects from.
    /// </summary>
    public bool IsFromWaypointOf(Workload destination, IPAddress clientIp)
    {
        if (destination.Waypoint is null)
        {
            return false;
        }

        var found = snapshot.FindGateway(destination.Waypoint);
        if (found.Service is null)
        {
            return found.Workload is { } workload && IsSource(workload, clientIp);
        }

        foreach (var (_, endpoint) in found.Service.Endpoints)
        {
            if (snapshot.FindWorkload(endpoint.WorkloadUid) is { } workload && IsSource(workload, clientIp))
            {
                return true;
            }
        }

        return false;
    }

    private static ProxyException UnknownWaypoint(string waypoint) =>
        new(ConnectionFailure.Connect, $"unknown waypoint: waypoint {waypoint} not found");

    private Upstream? FindWaypoint(GatewayAddress waypoint, IPEndPoint originalDestination)
    {
        if (waypoint.Address is { } address)
        {
            // The reference counts as the dialled address, so it also decides the IP family.
            var target = new IPEndPoint(address.Address, waypoint.HboneMtlsPort);
            return Find(snapshot.FindUpstream(address, source.Namespace), target, ResolutionMode.Waypoint);
        }

        return snapshot.FindGateway(waypoint) switch
        {
            { Service: { } service } => FromService(
                service, waypoint.HboneMtlsPort, originalDestination.Address, ResolutionMode.Waypoint),
            { Workload: { } workload } => FromWorkload(workload, waypoint.HboneMtlsPort, originalDestination.Address),
            _ => null,
        };
    }

    private GatewayAddress Sample(Service service, long totalWeight)
    {
        var point = random.NextInt64(totalWeight);
        foreach (var (destination, weight) in service.WeightedWaypoints)
        {
            if (point < weight)
            {
                return destination;
            }

            point -= weight;
        }

        throw new InvalidOperationException("a point below the total weight lies within one of the weights");
    }

    private Upstream Resampled(Service service, long totalWeight, IPEndPoint originalDestination)
    {
        Upstream? ejected = null;
        GatewayAddress sample;
        var samples = 0;
        do
        {
            sample = Sample(service, totalWeight);
            if (FindWaypoint(sample, originalDestination) is { } found)
            {
                if (found.Address is not { } address || !passed.Contains(found.Workload, (ushort)address.Port))
                {
                    return found;
                }

                ejected ??= found;
            }
            else if (passed.Tried.IsEmpty)
            {
                break; // nobody stands in for a waypoint that is not there
            }
        }
        while (++samples < Samples);

        return ejected ?? Waypoint(sample, originalDestination);
    }

    private bool IsSource(Workload workload, IPAddress clientIp) =>
        workload.Identity == source.Identity && workload.Addresses.Contains(clientIp);

    private Upstream? FromService(Service service, ushort port, IPAddress dialled, ResolutionMode mode)
    {
        if (EndpointSelection.Choose(snapshot, source, service, port, mode, random, passed) is not { } endpoint)
        {
            return null;
        }

        return new(endpoint.Workload, AddressOf(endpoint.Workload, service, endpoint.TargetPort, dialled), service)
        {
            Candidates = endpoint.Candidates,
        };
    }

    private Upstream? FromWorkload(Workload workload, ushort port, IPAddress dialled) =>
        passed.HasTried(workload, port)
            ? null
            : new(workload, AddressOf(workload, service: null, port, dialled), Service: null);

    // An address on another network may belong to somebody else here.
    private IPEndPoint? AddressOf(Workload workload, Service? service, ushort port, IPAddress dialled) =>
        workload.Network == source.Network
            ? new(AddressSelection.Choose(workload, service, dialled), port)
            : null;
}
