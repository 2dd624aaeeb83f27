using System.Net;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;

namespace Ztunnel.Xds;

/// <summary>
/// The mesh as a connection sees it that may be the first to need something: in on-demand mode what is not known is
/// asked for, else the snapshot is all there is. Look-ups that follow from each other share the time of one.
/// </summary>
/// <param name="mesh">The mesh.</param>
/// <param name="demands">Null without on-demand mode.</param>
/// <param name="network">The network that this proxy is configured for.</param>
/// <param name="clusterId">Name of this cluster, with which the uids of its pods begin.</param>
internal sealed class OnDemandMesh(MeshState mesh, Demands? demands, string network, string clusterId)
{
    // Neither policy nor routing depends on them: without a control plane connections should not be slow for their sake.
    private static readonly TimeSpan LongestWaitForLabels = TimeSpan.FromSeconds(1);

    // What one connection may ask for: a service can have any number of members.
    private const int MaxNames = 100;

    /// <summary>
    /// The snapshot in which an address, the members of its service, and the waypoints and gateways on the way to it are
    /// known as far as the control plane knows them.
    /// </summary>
    public ValueTask<MeshSnapshot> WithAddressAsync(NetworkAddress address, CancellationToken cancellationToken) =>
        demands is null
            ? ValueTask.FromResult(mesh.Current)
            : WithAsync(demands, snapshot => NeededNames.OfAddress(snapshot, address), cancellationToken);

    /// <summary>The snapshot in which a pod of ours is known, if it can be.</summary>
    public ValueTask<MeshSnapshot> WithPodAsync(WorkloadInfo pod, CancellationToken cancellationToken) =>
        demands is null
            ? ValueTask.FromResult(mesh.Current)
            : WithAsync(demands, snapshot => NeededNames.OfPod(snapshot, pod, clusterId), cancellationToken);

    /// <summary>
    /// The snapshot in which the target of a CONNECT is known, and in which labels find the caller and the pod's services.
    /// </summary>
    /// <param name="local">The pod's workload.</param>
    /// <param name="localIp">The pod's address that was called.</param>
    /// <param name="authority">What the caller asks for.</param>
    /// <param name="caller">Null when it is known to be elsewhere.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public ValueTask<MeshSnapshot> WithCallAsync(
        Workload local,
        IPAddress localIp,
        HboneAuthority authority,
        NetworkAddress? caller,
        CancellationToken cancellationToken) =>
        demands is null
            ? ValueTask.FromResult(mesh.Current)
            : WithCallAsync(demands, local, localIp, authority, caller, cancellationToken);

    /// <summary>The snapshot in which labels find the caller of a pod and the pod's services.</summary>
    /// <param name="local">The pod's workload.</param>
    /// <param name="caller">Null when it is known to be elsewhere.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public ValueTask<MeshSnapshot> WithCallerAsync(
        Workload local, NetworkAddress? caller, CancellationToken cancellationToken) =>
        demands is null
            ? ValueTask.FromResult(mesh.Current)
            : WithCallerAsync(demands, local, caller, cancellationToken);

    private async ValueTask<MeshSnapshot> WithCallAsync(
        Demands demands,
        Workload local,
        IPAddress localIp,
        HboneAuthority authority,
        NetworkAddress? caller,
        CancellationToken cancellationToken)
    {
        var target = WithAsync(
            demands,
            snapshot => NeededNames.OfTarget(snapshot, local, localIp, network, authority),
            cancellationToken).AsTask();
        var labels = WithCallerAsync(demands, local, caller, cancellationToken).AsTask();
        await Task.WhenAll(target, labels);
        return mesh.Current;
    }

    private ValueTask<MeshSnapshot> WithCallerAsync(
        Demands demands, Workload local, NetworkAddress? caller, CancellationToken cancellationToken) => AskAsync(
            snapshot => NeededNames.OfLabels(snapshot, local, caller),
            demands.FetchForLabelsAsync,
            demands.Time,
            demands.Timeout < LongestWaitForLabels ? demands.Timeout : LongestWaitForLabels,
            cancellationToken);

    private ValueTask<MeshSnapshot> WithAsync(
        Demands demands, Func<MeshSnapshot, IEnumerable<string>> needed, CancellationToken cancellationToken) =>
        AskAsync(needed, demands.FetchAsync, demands.Time, demands.Timeout, cancellationToken);

    /// <summary>
    /// Asks for what is needed and not known, each name once, until nothing new is needed: an answer may name the next.
    /// </summary>
    private async ValueTask<MeshSnapshot> AskAsync(
        Func<MeshSnapshot, IEnumerable<string>> needed,
        Func<string, CancellationToken, ValueTask> fetch,
        TimeProvider time,
        TimeSpan limit,
        CancellationToken cancellationToken)
    {
        var asked = new HashSet<string>(StringComparer.Ordinal);
        if (Next() is not { Length: > 0 } names)
        {
            return mesh.Current;
        }

        using var deadline = new CancellationTokenSource(limit, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            for (; names.Length > 0; names = Next())
            {
                await Task.WhenAll(names.Select(name => fetch(name, end.Token).AsTask()));
            }
        }
        catch (OperationCanceledException)
            when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // What is known by now has to do.
        }

        return mesh.Current;

        string[] Next() =>
            [.. needed(mesh.Current).Where(asked.Add).Take(Math.Max(0, MaxNames - asked.Count))];
    }
}
