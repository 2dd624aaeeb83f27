using System.Collections.Immutable;
using Ztunnel.Mesh;

namespace Ztunnel.Xds;

/// <summary>
/// The mesh as a connection sees it that may be the first to need something: in on-demand mode what is not known is
/// asked for, else the snapshot is all there is.
/// </summary>
/// <param name="mesh">The mesh.</param>
/// <param name="demands">Null without on-demand mode.</param>
internal sealed class OnDemandMesh(MeshState mesh, Demands? demands)
{
    /// <summary>
    /// The snapshot in which an address, and the waypoints and gateways on the way to it, are known as far as the control
    /// plane knows them.
    /// </summary>
    public async ValueTask<MeshSnapshot> WithAddressAsync(NetworkAddress address, CancellationToken cancellationToken)
    {
        if (demands is null)
        {
            return mesh.Current;
        }

        if (IsUnknown(mesh.Current.FindAddress(address, clientNamespace: null)))
        {
            await demands.FetchAsync(address.ToString(), cancellationToken);
        }

        var snapshot = mesh.Current;
        foreach (var gateway in GatewaysOf(snapshot, snapshot.FindAddress(address, clientNamespace: null)))
        {
            if (IsUnknown(snapshot.FindGateway(gateway)))
            {
                await demands.FetchAsync(gateway.Destination, cancellationToken);
            }
        }

        return mesh.Current;
    }

    private static bool IsUnknown(MeshAddress address) => address is { Workload: null, Service: null };

    private static IEnumerable<GatewayAddress> GatewaysOf(MeshSnapshot snapshot, MeshAddress address)
    {
        if (address.Workload is { } workload)
        {
            return GatewaysOf(workload);
        }

        return address.Service is { } service
            ?
            [
                .. service.Waypoint is { } waypoint ? [waypoint] : ImmutableArray<GatewayAddress>.Empty,
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
}
