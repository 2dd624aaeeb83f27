using System.Net;
using System.Net.Sockets;
using Hbone.Proxying;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;

namespace Ztunnel.Proxy;

/// <summary>A captured connection whose way is decided: who connects, and the mesh that all of its decisions are made in.</summary>
/// <param name="Socket">Lent.</param>
/// <param name="Source">Where it comes from.</param>
/// <param name="Dialled">What the application dialled.</param>
/// <param name="Workload">The local workload.</param>
/// <param name="Snapshot">The mesh.</param>
/// <param name="Waiting">Told when the destination is reached; null when nobody waits for that.</param>
internal sealed record OutboundClient(
    Socket Socket,
    IPEndPoint Source,
    IPEndPoint Dialled,
    Workload Workload,
    MeshSnapshot Snapshot,
    IEstablished? Waiting)
{
    /// <summary>Whether nobody is left to connect for.</summary>
    public bool IsGone => SocketReset.IsGone(Socket);

    /// <inheritdoc cref="OutboundRouter.Route"/>
    public OutboundRoute RouteBy(OutboundRouter router, in PassedOver passed) =>
        router.Route(Snapshot, Workload, Dialled, Source.Address, passed);
}
