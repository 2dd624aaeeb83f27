using System.Net;
using System.Net.Sockets;

namespace Ztunnel.Mesh.Routing;

/// <summary>
/// A workload with a hostname and no address of its own: the route is complete when name servers have said where it is.
/// </summary>
/// <param name="Workload">Whose hostname it is.</param>
/// <param name="Family">What the client dialled, which is preferred.</param>
/// <param name="IsTarget">Whether the CONNECT asks for the workload itself, so that it has to name the address too.</param>
internal sealed record NamedDestination(Workload Workload, AddressFamily Family, bool IsTarget)
{
    /// <summary>Null for a peer whose address is known.</summary>
    /// <param name="peer">Whom the connection is to.</param>
    /// <param name="target">What the CONNECT asks for; null when that is a name, or there is none.</param>
    public static NamedDestination? Of(Upstream peer, IPEndPoint? target) =>
        peer.Address is { } address && AddressSelection.IsUnknown(peer.Workload, address.Address)
            ? new(peer.Workload, address.AddressFamily, ReferenceEquals(target, address))
            : null;

    /// <summary>The route with an address of the workload.</summary>
    public OutboundRoute Complete(OutboundRoute route, IPAddress address) => route with
    {
        Dial = new(address, route.Dial.Port),
        HboneTarget = IsTarget && route.HboneTarget is { } target
            ? new IPEndPoint(address, IPEndPoint.Parse(target).Port).ToString()
            : route.HboneTarget,
        Named = null,
    };
}
