using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Ztunnel.Mesh;
using Ztunnel.Policy;

namespace Ztunnel.Proxy;

/// <summary>
/// The inbound connections of all pods. After a change of the mesh that concerns them they are judged again, by the
/// current policies and the current workload, and what is no longer allowed is closed. Also while draining.
/// </summary>
/// <remarks>
/// A connection is registered before it is judged for the first time and judged by a snapshot taken after that. So any
/// change is seen by one of the two: the connection itself, or the walk that follows the change.
/// </remarks>
internal sealed class LiveConnections : IAsyncDisposable
{
    private readonly MeshState _mesh;
    private readonly InboundAuthorization _authorization;
    private readonly ILogger<LiveConnections> _logger;
    private readonly Lock _gate = new();
    private readonly Dictionary<WorkloadInfo, HashSet<LiveConnection>> _byPod = [];

    // Holds at most one: changes that come while a walk is under way are taken together by the next.
    private readonly Channel<bool> _changed = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly Task _walking;

    /// <summary>Begins to follow the mesh.</summary>
    public LiveConnections(MeshState mesh, InboundAuthorization authorization, ILogger<LiveConnections> logger)
    {
        _mesh = mesh;
        _authorization = authorization;
        _logger = logger;
        var seen = mesh.Current;
        mesh.Observe(_ => _changed.Writer.TryWrite(true)); // the writer waits for no walk
        _walking = WalkAsync(seen);
    }

    /// <summary>Adds a connection that is about to be judged. The caller disposes it when the connection is over.</summary>
    /// <param name="pod">The pod that it reached.</param>
    /// <param name="destination">The pod's workload.</param>
    /// <param name="input">What policies look at.</param>
    /// <param name="forced">Ends every connection.</param>
    public LiveConnection Register(
        WorkloadInfo pod, Workload destination, in PolicyInput input, CancellationToken forced)
    {
        var connection = new LiveConnection(this, pod, destination, in input, forced);
        lock (_gate)
        {
            if (!_byPod.TryGetValue(pod, out var connections))
            {
                _byPod[pod] = connections = [];
            }

            connections.Add(connection);
        }

        return connection;
    }

    /// <summary>For <see cref="LiveConnection.Dispose"/>.</summary>
    public void Remove(LiveConnection connection)
    {
        lock (_gate)
        {
            if (_byPod.TryGetValue(connection.Pod, out var connections)
                && connections.Remove(connection)
                && connections.Count == 0)
            {
                _byPod.Remove(connection.Pod);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _changed.Writer.TryComplete();
        await _walking;
    }

    private async Task WalkAsync(MeshSnapshot seen)
    {
        while (await _changed.Reader.WaitToReadAsync())
        {
            while (_changed.Reader.TryRead(out _))
            {
            }

            var current = _mesh.Current; // after the signal was taken: what comes later signals again
            Walk(seen, current);
            seen = current;
        }
    }

    private void Walk(MeshSnapshot seen, MeshSnapshot current)
    {
        var samePolicies = current.HasPoliciesOf(seen);
        foreach (var pod in Pods())
        {
            var workload = current.FindLocalWorkload(pod);
            if (!samePolicies || !ReferenceEquals(workload, seen.FindLocalWorkload(pod)))
            {
                Judge(pod, workload, current);
            }
        }
    }

    // A pod that the control plane has dropped is still judged as it last was.
    private void Judge(WorkloadInfo pod, Workload? workload, MeshSnapshot current)
    {
        foreach (var connection in ConnectionsOf(pod))
        {
            connection.Destination = workload ?? connection.Destination;
            if (!_authorization.StillAllows(current, connection) && connection.Close())
            {
                var (source, destination, identity) = connection.Input;
                _logger.NoLongerAllowed(source, identity?.ToString() ?? "None", destination, connection.Destination.Uid);
            }
        }
    }

    private WorkloadInfo[] Pods()
    {
        lock (_gate)
        {
            return [.. _byPod.Keys];
        }
    }

    private LiveConnection[] ConnectionsOf(WorkloadInfo pod)
    {
        lock (_gate)
        {
            return _byPod.TryGetValue(pod, out var connections) ? [.. connections] : [];
        }
    }
}
