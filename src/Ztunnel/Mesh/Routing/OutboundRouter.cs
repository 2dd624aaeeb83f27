using System.Net;
using Ztunnel.Telemetry;

namespace Ztunnel.Mesh.Routing;

/// <summary>
/// Decides where a captured connection goes. It reads one snapshot, waits for nothing and has no state; whoever has only a
/// hostname is left to be looked up.
/// </summary>
/// <param name="network">The network that this proxy is configured for.</param>
/// <param name="random">Chooses among equal endpoints and among weighted waypoints; used from many threads.</param>
internal sealed class OutboundRouter(string network, Random random)
{
    /// <summary>Where every HBONE peer but a waypoint or gateway listens.</summary>
    public const int HbonePort = 15008;

    /// <param name="snapshot">The mesh.</param>
    /// <param name="source">The local workload that connects.</param>
    /// <param name="originalDestination">What it dialled.</param>
    /// <param name="clientIp">The address it connects from.</param>
    /// <param name="passed">Endpoints, waypoints and gateways to do without.</param>
    /// <exception cref="ProxyException">There is no way, or only one that policy of the mesh forbids.</exception>
    public OutboundRoute Route(
        MeshSnapshot snapshot,
        Workload source,
        IPEndPoint originalDestination,
        IPAddress clientIp,
        in PassedOver passed = default)
    {
        var target = new IPEndPoint(Unmapped(originalDestination.Address), originalDestination.Port);
        var resolution = new UpstreamResolution(snapshot, source, random, passed);
        var gateways = new GatewayResolution(snapshot, source, random, passed);

        // The address means the same in every step: what is balanced as a service also goes through its waypoint.
        var found = snapshot.FindUpstream(new(source.Network, target.Address), source.Namespace);
        var addressed = found.Workload is null ? found.Service ?? ServiceOfOurNetwork(snapshot, source, target) : null;

        // 1. A service's waypoint comes before any choice of an endpoint: the waypoint makes that choice.
        if (addressed is not null && resolution.WaypointOf(addressed, target) is { } serviceWaypoint)
        {
            return ThroughWaypoint(serviceWaypoint, target, addressed, gateways);
        }

        // 2. A service with nobody to serve it is an error; what is nobody's passes through as it is.
        if (resolution.Find(found, target, ResolutionMode.Standard) is not { } upstream)
        {
            return addressed is null or { LoadBalancer.Mode: LoadBalancerMode.Passthrough }
                ? new() { Protocol = OutboundProtocol.Tcp, Dial = target, DestinationService = addressed }
                : throw new ProxyException(ConnectionFailure.Connect, $"no healthy upstream: {target}");
        }

        // 3. Another network is reached through its gateway only.
        if (upstream.Address is not { } address)
        {
            return gateways.Route(upstream, target, upstream.Service ?? addressed);
        }

        // 4. A workload's waypoint is for traffic to the workload itself, except from that waypoint.
        if (addressed is null
            && upstream.Workload.Waypoint is { } waypoint
            && !resolution.IsFromWaypointOf(upstream.Workload, Unmapped(clientIp)))
        {
            return ThroughWaypoint(resolution.Waypoint(waypoint, target), target, upstream.Service, gateways);
        }

        // 5. The workload itself, on this node or another alike.
        return upstream.Workload.Protocol == TunnelProtocol.Hbone
            ? Tunnel(upstream, new(address.Address, HbonePort), address, upstream.Service)
            : new()
            {
                Protocol = OutboundProtocol.Tcp,
                Dial = address,
                Named = NamedDestination.Of(upstream, target: null),
                Chosen = ChosenEndpoint.Of(upstream, serves: true),
                DestinationWorkload = upstream.Workload,
                DestinationService = upstream.Service,
            };
    }

    /// <summary>
    /// What an address is on the network that the proxy was told, when the control plane puts the source on another one:
    /// a service that is known by either is never passed by.
    /// </summary>
    private Service? ServiceOfOurNetwork(MeshSnapshot snapshot, Workload source, IPEndPoint target) =>
        network == source.Network
            ? null
            : snapshot.FindUpstream(new(network, target.Address), source.Namespace).Service;

    private static OutboundRoute ThroughWaypoint(
        Upstream waypoint, IPEndPoint target, Service? service, GatewayResolution gateways) =>
        waypoint.Address is { } address
            ? Tunnel(waypoint, address, target, service)
            : gateways.Route(waypoint, target, service);

    private static OutboundRoute Tunnel(Upstream peer, IPEndPoint dial, IPEndPoint target, Service? service) => new()
    {
        Protocol = OutboundProtocol.Hbone,
        Dial = dial,
        HboneTarget = target.ToString(),
        Named = NamedDestination.Of(peer, target),
        Chosen = ChosenEndpoint.Of(peer, serves: !dial.Equals(peer.Address)),
        ExpectedIdentities = peer.Identities,
        DestinationWorkload = peer.Workload,
        DestinationService = service,
    };

    private static IPAddress Unmapped(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
