using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Mesh;
using Ztunnel.Proxy;

namespace Ztunnel.InPod;

/// <summary>
/// The pods of this node: those that are served and those that could not be served yet, which are tried again every 5 s.
/// Requests come from one connection to istio-cni at a time; everything else may be called by any thread.
/// </summary>
internal sealed class PodSet : IAsyncDisposable
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(5);

    private readonly BindPod _bind;
    private readonly ILogger<PodSet> _logger;
    private readonly ITimer _retry;
    private readonly Lock _gate = new();
    private readonly Lock _reporting = new(); // taken before the other one
    private readonly Dictionary<string, RunningPod> _running = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PendingPod> _pending = new(StringComparer.Ordinal);
    private readonly HashSet<Task> _stopping = [];
    private HashSet<string>? _snapshot = new(StringComparer.Ordinal); // null once it is complete
    private bool _accepting;
    private bool _draining;
    private bool _connected;
    private long _started;
    private long _stopped;

    /// <summary>Creates an empty set.</summary>
    /// <param name="bind">Binds the listeners of a pod.</param>
    /// <param name="time">Clock of the retries.</param>
    /// <param name="logger">Where failures go.</param>
    public PodSet(BindPod bind, TimeProvider time, ILogger<PodSet> logger)
    {
        _bind = bind;
        _logger = logger;
        _retry = time.CreateTimer(_ => RetryPending(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Told, by one thread at a time, whether all pods of the node are served.</summary>
    public event Action<bool>? CompleteChanged;

    /// <summary>Told, by any thread, that a removed pod has closed all that it had.</summary>
    public event Action? PodGone;

    /// <summary>Numbers for the metrics page.</summary>
    public PodCounts Counts
    {
        get
        {
            lock (_gate)
            {
                return new PodCounts(_running.Count, _pending.Count, _started, _stopped);
            }
        }
    }

    /// <summary>Pods that are served now.</summary>
    public IReadOnlyList<RunningPod> Running
    {
        get
        {
            lock (_gate)
            {
                return [.. _running.Values];
            }
        }
    }

    /// <summary>Pods that could not be served yet, with their names.</summary>
    public IReadOnlyList<(string Uid, WorkloadInfo Info)> Pending
    {
        get
        {
            lock (_gate)
            {
                return [.. _pending.Select(pod => (pod.Key, pod.Value.Info))];
            }
        }
    }

    /// <summary>A new connection to istio-cni: all pods will be named once more. What is served goes on.</summary>
    public void BeginConnection()
    {
        lock (_gate)
        {
            _snapshot = new HashSet<string>(StringComparer.Ordinal);
            _connected = true;
        }

        Report();
    }

    /// <summary>The connection is over. What is served goes on.</summary>
    public void EndConnection()
    {
        lock (_gate)
        {
            _connected = false;
        }

        Report();
    }

    /// <summary>Does what istio-cni asks for. Blocks for a few system calls.</summary>
    /// <returns>Null when it is done, else why not.</returns>
    /// <exception cref="ZdsException">The request makes no sense here; nothing was done.</exception>
    public string? Apply(ZdsRequest request)
    {
        string? failure;
        lock (_gate)
        {
            failure = request switch
            {
                ZdsRequest.Add add => Add(add),
                ZdsRequest.AddWithoutNetns add => Add(add),
                ZdsRequest.Keep keep => Keep(keep.Uid),
                ZdsRequest.Delete delete => Delete(delete.Uid),
                _ => CompleteSnapshot(),
            };
        }

        Report();
        return failure;
    }

    /// <summary>Starts to accept in all pods, those to come included.</summary>
    public void StartAccepting()
    {
        lock (_gate)
        {
            _accepting = true;
            foreach (var pod in _running.Values)
            {
                pod.Server.Start();
            }
        }
    }

    /// <summary>From now on nothing is added; completes when the last connection of all pods is over.</summary>
    public Task DrainAsync()
    {
        Task[] drained;
        lock (_gate)
        {
            _draining = true;
            DropPending();
            drained = [.. _running.Values.Select(pod => pod.DrainAsync())];
        }

        Report();
        return Task.WhenAll(drained);
    }

    /// <summary>Ends what is left of all pods.</summary>
    public Task ForceAsync() => Task.WhenAll(Running.Select(pod => pod.ForceAsync()));

    /// <summary>Ends the service of a pod whose network has gone; istio-cni may add it again.</summary>
    public void Drop(RunningPod pod)
    {
        lock (_gate)
        {
            if (_running.TryGetValue(pod.Uid, out var current) && ReferenceEquals(current, pod))
            {
                Stop(pod);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Task[] stopping;
        lock (_gate)
        {
            _draining = true;
            foreach (var pod in _running.Values.ToArray())
            {
                Stop(pod);
            }

            DropPending();
            stopping = [.. _stopping];
        }

        await _retry.DisposeAsync();
        await Task.WhenAll(stopping);
    }

    private string? Add(ZdsRequest.Add add)
    {
        if (_draining || add.Info is null)
        {
            add.Netns.Dispose();
            return _draining
                ? "failure to start proxy : shutting down"
                : throw new ZdsException($"no workload info for {add.Uid}");
        }

        _snapshot?.Add(add.Uid);
        if (_running.TryGetValue(add.Uid, out var known))
        {
            if (known.Netns.Identity == add.Netns.Identity)
            {
                add.Netns.Dispose();
                Forget(add.Uid);
                return null;
            }

            _logger.PodMoved(add.Uid);
            Stop(known);
        }

        // Ports are shared, so two of a kind in one namespace would both bind and divide its traffic.
        if (_running.Values.FirstOrDefault(pod => pod.Netns.Identity == add.Netns.Identity) is { } twin)
        {
            _logger.NamespaceTakenOver(twin.Uid, add.Uid);
            Stop(twin);
        }

        foreach (var (uid, _) in _pending.Where(pod => pod.Value.Netns.Identity == add.Netns.Identity).ToArray())
        {
            Forget(uid);
        }

        Forget(add.Uid);
        return TryStart(add.Uid, add.Info, add.Netns, out var failure) ? null : failure;
    }

    // There is nothing to try again; what was served under this name goes on until the agent says otherwise.
    private string Add(ZdsRequest.AddWithoutNetns add)
    {
        _snapshot?.Add(add.Uid);
        _logger.PodWithoutNetns(add.Uid, add.Reason);
        return $"failure to start proxy : {add.Reason}";
    }

    private string? Keep(string uid)
    {
        if (_snapshot is null)
        {
            throw new ZdsException($"keep of {uid} after the snapshot");
        }

        _snapshot.Add(uid);
        return null;
    }

    private string? Delete(string uid)
    {
        Forget(uid);
        if (_snapshot is not null)
        {
            // What is served outlives this until the snapshot is complete, which might name it once more.
            _snapshot.Remove(uid);
        }
        else if (_running.TryGetValue(uid, out var pod))
        {
            Stop(pod);
        }
        else
        {
            _logger.UnknownPodDeleted(uid);
        }

        return null;
    }

    private string? CompleteSnapshot()
    {
        if (_snapshot is not { } named)
        {
            throw new ZdsException("second snapshot on one connection");
        }

        _snapshot = null;
        foreach (var pod in _running.Values.Where(pod => !named.Contains(pod.Uid)).ToArray())
        {
            _logger.PodNotInSnapshot(pod.Uid);
            Stop(pod);
        }

        foreach (var uid in _pending.Keys.Where(uid => !named.Contains(uid)).ToArray())
        {
            Forget(uid);
        }

        return null;
    }

    // Takes the namespace over.
    private bool TryStart(string uid, WorkloadInfo info, Netns netns, out string? failure)
    {
        var drain = new Drain();
        try
        {
            var pod = new RunningPod(uid, info, netns, drain, _bind(info, netns, drain));
            _running.Add(uid, pod);
            _started++;
            if (_accepting)
            {
                pod.Server.Start();
            }

            failure = null;
            return true;
        }
        catch (Exception e) when (e is ListenException or IOException)
        {
            drain.Dispose();
            failure = $"failure to start proxy : {e.Message}";
            _logger.PodNotStarted(uid, info, e.Message);
            _pending[uid] = new PendingPod(info, netns);
            _retry.Change(RetryInterval, Timeout.InfiniteTimeSpan);
            return false;
        }
        catch
        {
            drain.Dispose();
            netns.Dispose();
            throw;
        }
    }

    private void RetryPending()
    {
        lock (_gate)
        {
            foreach (var (uid, pod) in _pending.ToArray())
            {
                if (!_draining)
                {
                    _pending.Remove(uid);
                    TryStart(uid, pod.Info, pod.Netns, out _);
                }
            }
        }

        Report();
    }

    private void Stop(RunningPod pod)
    {
        _running.Remove(pod.Uid);
        _stopped++;
        var stop = pod.StopAsync();
        _stopping.Add(stop);
        _ = ForgetWhenOverAsync(stop);
    }

    private async Task ForgetWhenOverAsync(Task stop)
    {
        await stop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        if (stop.Exception is { } bug)
        {
            _logger.PodStoppedUnexpectedly(bug);
        }

        lock (_gate)
        {
            _stopping.Remove(stop);
        }

        PodGone?.Invoke();
    }

    private void Forget(string uid)
    {
        if (_pending.Remove(uid, out var pod))
        {
            pod.Netns.Dispose();
        }
    }

    private void DropPending()
    {
        foreach (var uid in _pending.Keys.ToArray())
        {
            Forget(uid);
        }
    }

    private void Report()
    {
        // One at a time, else the news of two threads may arrive in the wrong order.
        lock (_reporting)
        {
            bool complete;
            lock (_gate)
            {
                complete = _connected && _snapshot is null && _pending.Count == 0 && !_draining;
            }

            CompleteChanged?.Invoke(complete);
        }
    }

    private readonly record struct PendingPod(WorkloadInfo Info, Netns Netns);
}
