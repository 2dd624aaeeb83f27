using Hbone.Memory;
using Redirection;
using Ztunnel.Mesh;
using Ztunnel.Telemetry;
using Ztunnel.Xds;

namespace Ztunnel.Proxy;

/// <summary>The pod that one proxy serves, and the workload that the control plane knows it as.</summary>
internal sealed class LocalPod(
    WorkloadInfo info, MeshState mesh, OnDemandMesh onDemand, MemoryBudget memory, Netns? netns)
{
    private static readonly TimeSpan WorkloadTimeout = TimeSpan.FromSeconds(5);

    /// <summary>As the node names it.</summary>
    public WorkloadInfo Info { get; } = info;

    /// <summary>What the buffers of its connections count against.</summary>
    public MemoryBudget Memory { get; } = memory;

    /// <summary>Where its sockets live, lent; null for the process's own namespace.</summary>
    public Netns? Netns { get; } = netns;

    /// <summary>Its connections that are up.</summary>
    public ConnectionTable Connections { get; } = new();

    /// <summary>The workload, waiting up to 5 s for it to be announced; on demand it is asked for first.</summary>
    /// <exception cref="ProxyException">It was not.</exception>
    public async ValueTask<Workload> WorkloadAsync(CancellationToken cancellationToken) =>
        (await onDemand.WithPodAsync(Info, cancellationToken)).FindLocalWorkload(Info)
        ?? await mesh.WaitForLocalWorkloadAsync(Info, WorkloadTimeout, cancellationToken)
        ?? throw new ProxyException(
            ConnectionFailure.Connect, $"failed to fetch information about local workload: {Info}");
}
