using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Ztunnel.Mesh.Routing;

/// <summary>
/// Decides where a CONNECT on port 15008 goes, before policy is asked. It reads one snapshot, waits for nothing and has
/// no state.
/// </summary>
/// <param name="network">The network that this proxy is configured for.</param>
/// <param name="illegalPorts">Our own ports, which must not be reached through us.</param>
internal sealed class InboundRouter(string network, ImmutableArray<ushort> illegalPorts)
{
    /// <param name="snapshot">The mesh.</param>
    /// <param name="local">The workload whose port 15008 was called.</param>
    /// <param name="localIp">The address it was called on; the request never goes to another one.</param>
    /// <param name="authority">What the caller asks for.</param>
    public InboundDecision Route(MeshSnapshot snapshot, Workload local, IPAddress localIp, HboneAuthority authority)
    {
        if (localIp.IsIPv4MappedToIPv6)
        {
            localIp = localIp.MapToIPv4();
        }

        return authority.Address is { } address
            ? RouteToAddress(snapshot, local, localIp, address, authority.Port)
            : RouteToHostname(snapshot, local, localIp, authority.Hostname!, authority);
    }

    /// <summary>
    /// The services that a workload names itself. First come those of Kubernetes, then those of its namespace, then by
    /// name: where several fit, what is said of a connection does not change from one to the next.
    /// </summary>
    public static ImmutableArray<Service> ServicesOf(MeshSnapshot snapshot, Workload workload) =>
        workload.Services.IsEmpty
            ? []
            : [.. workload.Services.Keys
                .Select(snapshot.FindService)
                .OfType<Service>()
                .OrderByDescending(service => service.Canonical)
                .ThenByDescending(service => service.Namespace == workload.Namespace)
                .ThenBy(service => service.Hostname, StringComparer.Ordinal)
                .ThenBy(service => service.Namespace, StringComparer.Ordinal)];

    private InboundDecision RouteToAddress(
        MeshSnapshot snapshot, Workload local, IPAddress localIp, IPAddress address, ushort port)
    {
        if (!address.Equals(localIp)
            && local.ApplicationTunnel is null
            && !IsWaypointOf(snapshot, local, localIp, address))
        {
            return InboundRefusal.AddressMismatch(localIp, address);
        }

        return illegalPorts.Contains(port)
            ? InboundRefusal.Recursive()
            : Accept(local, localIp, port, ServicesOf(snapshot, local), new(address, port));
    }

    private InboundDecision RouteToHostname(
        MeshSnapshot snapshot, Workload local, IPAddress localIp, string hostname, HboneAuthority authority)
    {
        if (snapshot.FindServiceByHostname(hostname, local.Namespace) is not { } service)
        {
            return InboundRefusal.UnknownHostname(hostname);
        }

        var own = service.Endpoints.GetValueOrDefault(local.Uid)?.Ports.GetValueOrDefault(authority.Port) ?? 0;
        var port = own > 0 ? own : service.Ports.GetValueOrDefault(authority.Port);
        if (port == 0)
        {
            return InboundRefusal.NoTargetPort(authority);
        }

        if (illegalPorts.Contains(port))
        {
            return InboundRefusal.Recursive();
        }

        if (local.ApplicationTunnel is null)
        {
            return Accept(local, localIp, port, [service], tunnelDestination: null);
        }

        return VipOf(service) is { } vip
            ? Accept(local, localIp, port, [service], new(vip, authority.Port))
            : InboundRefusal.NoServiceAddress(hostname);
    }

    private static InboundRoute Accept(
        Workload local,
        IPAddress localIp,
        ushort port,
        ImmutableArray<Service> candidates,
        IPEndPoint? tunnelDestination)
    {
        var tunnel = local.ApplicationTunnel;
        return new(
            new(localIp, tunnel?.Port ?? port),
            candidates,
            tunnel?.Protocol == ApplicationTunnelProtocol.Proxy ? tunnelDestination : null);
    }

    /// <summary>
    /// Whether the address belongs to a workload or a service that has the local workload as its waypoint. Each of a
    /// service's weighted waypoints is one. Which of several the caller meant depends on its namespace: any of them will
    /// do.
    /// </summary>
    private bool IsWaypointOf(MeshSnapshot snapshot, Workload local, IPAddress localIp, IPAddress address)
    {
        var destination = new NetworkAddress(network, address);
        return IsLocal(snapshot, snapshot.FindWorkload(destination)?.Waypoint, local, localIp)
            || snapshot.ServicesAt(destination).Any(service =>
                IsLocal(snapshot, service.Waypoint, local, localIp)
                || service.WeightedWaypoints.Any(waypoint => IsLocal(snapshot, waypoint.Destination, local, localIp)));
    }

    private static bool IsLocal(MeshSnapshot snapshot, GatewayAddress? waypoint, Workload local, IPAddress localIp) =>
        waypoint is not null
        && snapshot.FindGateway(waypoint) switch
        {
            { Service: { } service } => service.Endpoints.ContainsKey(local.Uid),
            { Workload: { } workload } => workload.Addresses.Contains(localIp),
            _ => false,
        };

    private IPAddress? VipOf(Service service)
    {
        IPAddress? best = null;
        var bestRank = -1;
        foreach (var vip in service.Vips)
        {
            var rank = (vip.Network == network ? 2 : 0)
                + (vip.Address.AddressFamily == AddressFamily.InterNetwork ? 1 : 0);
            if (rank > bestRank)
            {
                (best, bestRank) = (vip.Address, rank);
            }
        }

        return best;
    }
}
