using System.Net;

namespace Ztunnel.Mesh.Routing;

/// <summary>
/// One port of one endpoint at one of its addresses: what a connection attempt succeeds or fails at. A pod that comes
/// back under its name with another address is another one.
/// </summary>
/// <param name="WorkloadUid">The workload.</param>
/// <param name="Address">Its address and target port; a waypoint's or gateway's HBONE port.</param>
internal readonly record struct EndpointKey(string WorkloadUid, IPEndPoint Address)
{
    /// <summary>
    /// Whether this port of the workload is meant, at whichever of its addresses: a workload that fails at one of two
    /// families is passed over in both.
    /// </summary>
    public bool IsOf(Workload workload, ushort targetPort) =>
        Address.Port == targetPort
        && WorkloadUid == workload.Uid
        && workload.Addresses.Contains(Address.Address);
}
