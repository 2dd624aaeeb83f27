using System.Net;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;

namespace Ztunnel.Xds;

/// <summary>
/// The names that a connection needs and a snapshot does not know, as far as that shows: <c>network/ip</c>,
/// <c>namespace/hostname</c> or a uid. Once they are answered, further ones may show.
/// </summary>
internal static class NeededNames
{
    /// <summary>To reach an address: who has it, the service's members, waypoints and gateways, and their members.</summary>
    public static IEnumerable<string> OfAddress(MeshSnapshot snapshot, NetworkAddress address)
    {
        var found = snapshot.FindUpstream(address, clientNamespace: null);
        if (IsUnknown(found))
        {
            return [address.ToString()];
        }

        // A service's address can be a workload's too, and a caller of 15008 may mean that one.
        var sharing = found.Service is null ? null : snapshot.FindWorkload(address);
        return
        [
            .. MembersOf(snapshot, found.Service),
            .. GatewaysOf(snapshot, found)
                .Concat(sharing is null ? [] : GatewaysOf(sharing))
                .SelectMany(gateway => OfGateway(snapshot, gateway)),
        ];
    }

    /// <summary>To know a pod by its uid, <c>cluster//Pod/namespace/name</c>.</summary>
    public static IEnumerable<string> OfPod(MeshSnapshot snapshot, WorkloadInfo pod, string clusterId) =>
        snapshot.FindLocalWorkload(pod) is null ? [$"{clusterId}//Pod/{pod.Namespace}/{pod.Name}"] : [];

    /// <summary>To decide about the target of a CONNECT (<see cref="InboundRouter"/>).</summary>
    public static IEnumerable<string> OfTarget(
        MeshSnapshot snapshot, Workload local, IPAddress localIp, string network, HboneAuthority authority)
    {
        if (authority.Hostname is { } hostname)
        {
            return snapshot.FindServiceByHostname(hostname, local.Namespace) is null
                ? NamesOf(hostname, local.Namespace)
                : [];
        }

        var address = authority.Address!;
        localIp = localIp.IsIPv4MappedToIPv6 ? localIp.MapToIPv4() : localIp;
        return local.ApplicationTunnel is null && !address.Equals(localIp) && !address.IsIPv4MappedToIPv6
            ? OfAddress(snapshot, new NetworkAddress(network, address))
            : [];
    }

    /// <summary>To say who called whom: the caller by its address, the services that the pod names.</summary>
    public static IEnumerable<string> OfLabels(MeshSnapshot snapshot, Workload local, NetworkAddress? caller)
    {
        if (caller is { } address && snapshot.FindWorkload(address) is null)
        {
            yield return address.ToString();
        }

        foreach (var name in local.Services.Keys)
        {
            if (snapshot.FindService(name) is null)
            {
                yield return name.ToString();
            }
        }
    }

    private static bool IsUnknown(MeshAddress address) => address is { Workload: null, Service: null };

    // A waypoint may be on another network, behind a gateway of its own.
    private static IEnumerable<string> OfGateway(MeshSnapshot snapshot, GatewayAddress gateway) =>
    [
        .. OfReference(snapshot, gateway),
        .. WorkloadsOf(snapshot, snapshot.FindGateway(gateway))
            .Select(workload => workload.NetworkGateway)
            .OfType<GatewayAddress>()
            .Distinct()
            .SelectMany(beyond => OfReference(snapshot, beyond)),
    ];

    private static IEnumerable<string> OfReference(MeshSnapshot snapshot, GatewayAddress gateway)
    {
        var found = snapshot.FindGateway(gateway);
        return IsUnknown(found) ? [gateway.Destination] : MembersOf(snapshot, found.Service);
    }

    private static IEnumerable<Workload> WorkloadsOf(MeshSnapshot snapshot, MeshAddress address) => address switch
    {
        { Workload: { } workload } => [workload],
        { Service: { } service } => service.Endpoints.Keys.Select(snapshot.FindWorkload).OfType<Workload>(),
        _ => [],
    };

    /// <summary>Endpoints that a service names and that nobody has announced.</summary>
    private static IEnumerable<string> MembersOf(MeshSnapshot snapshot, Service? service) =>
        service is null ? [] : service.Endpoints.Keys.Where(uid => snapshot.FindWorkload(uid) is null);

    private static IEnumerable<GatewayAddress> GatewaysOf(MeshSnapshot snapshot, MeshAddress address)
    {
        if (address.Workload is { } workload)
        {
            return GatewaysOf(workload);
        }

        return address.Service is { } service
            ?
            [
                .. service.Waypoint is { } waypoint ? (GatewayAddress[])[waypoint] : [],
                .. service.WeightedWaypoints.Select(weighted => weighted.Destination),
                .. service.Endpoints.Keys
                    .Select(snapshot.FindWorkload)
                    .SelectMany(endpoint => endpoint is null ? [] : GatewaysOf(endpoint))
                    .Distinct(),
            ]
            : [];
    }

    private static IEnumerable<GatewayAddress> GatewaysOf(Workload workload)
    {
        if (workload.Waypoint is { } waypoint)
        {
            yield return waypoint;
        }

        if (workload.NetworkGateway is { } gateway)
        {
            yield return gateway;
        }
    }

    /// <summary>
    /// The caller says a hostname alone: its namespace is the pod's, or the second label of a cluster's own names,
    /// <c>service.namespace.svc.domain</c>.
    /// </summary>
    private static string[] NamesOf(string hostname, string ns) =>
        hostname.Split('.', 4) is [_, { Length: > 0 } own, "svc", _] && own != ns
            ? [$"{ns}/{hostname}", $"{own}/{hostname}"]
            : [$"{ns}/{hostname}"];
}
