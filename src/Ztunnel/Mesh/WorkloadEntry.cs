using System.Collections.Immutable;
using PortMap = System.Collections.Immutable.ImmutableSortedDictionary<ushort, ushort>;

namespace Ztunnel.Mesh;

/// <summary>A workload as a snapshot stores it.</summary>
/// <param name="Workload">As announced.</param>
/// <param name="EndpointOf">
/// The services that this entry put an endpoint into. Workloads of the local file do so without naming the services
/// themselves (<see cref="Workload.Services"/> is empty), which leaves their inbound traffic without a service.
/// </param>
/// <param name="Sequence">Grows with every insert into the snapshot's line of descent.</param>
internal sealed record WorkloadEntry(
    Workload Workload, ImmutableDictionary<NamespacedHostname, PortMap> EndpointOf, long Sequence)
{
    /// <summary>
    /// Ascending preference among workloads that share an address: pods over others, then HBONE over plain, then the
    /// one inserted last.
    /// </summary>
    public static IComparer<WorkloadEntry> ByPreference { get; } = Comparer<WorkloadEntry>.Create(
        (x, y) => (x.Score, x.Sequence).CompareTo((y.Score, y.Sequence)));

    /// <summary>
    /// The kind is part of the uid that the control plane makes up: <c>cluster//Pod/namespace/name</c>.
    /// </summary>
    private int Score { get; } = (Workload.Uid.Contains("//Pod/", StringComparison.Ordinal) ? 2 : 0)
        + (Workload.Protocol == TunnelProtocol.Hbone ? 1 : 0);
}
