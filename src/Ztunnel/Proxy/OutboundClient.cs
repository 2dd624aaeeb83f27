using System.Net;
using System.Net.Sockets;
using Hbone.Proxying;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;

namespace Ztunnel.Proxy;

/// <summary>A captured connection: who connects, and the mesh that all decisions about its way are made in.</summary>
/// <param name="socket">Lent.</param>
/// <param name="source">Where it comes from.</param>
/// <param name="dialled">What the application dialled.</param>
/// <param name="workload">The local workload.</param>
/// <param name="snapshot">The mesh.</param>
/// <param name="waiting">Told when the destination is reached; null when nobody waits for that.</param>
internal sealed class OutboundClient(
    Socket socket,
    IPEndPoint source,
    IPEndPoint dialled,
    Workload workload,
    MeshSnapshot snapshot,
    IEstablished? waiting)
{
    private MeshSnapshot? _snapshot = snapshot;

    /// <summary>Lent.</summary>
    public Socket Socket => socket;

    /// <summary>Where it comes from.</summary>
    public IPEndPoint Source => source;

    /// <summary>What the application dialled.</summary>
    public IPEndPoint Dialled => dialled;

    /// <summary>The local workload.</summary>
    public Workload Workload => workload;

    /// <summary>Told when the destination is reached; null when nobody waits for that.</summary>
    public IEstablished? Waiting => waiting;

    /// <summary>Whether nobody is left to connect for.</summary>
    public bool IsGone => SocketReset.IsGone(Socket);

    /// <inheritdoc cref="OutboundRouter.Route"/>
    public OutboundRoute RouteBy(OutboundRouter router, in PassedOver passed) =>
        router.Route(
            _snapshot ?? throw new InvalidOperationException("the connection is made"), Workload, Dialled, Source.Address, passed);

    /// <summary>There is nothing left to decide: a connection that lives for days keeps no mesh of the day it began.</summary>
    public void Connected() => _snapshot = null;
}
