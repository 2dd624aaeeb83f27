using System.Collections.Immutable;

namespace Ztunnel.Mesh;

/// <summary>
/// Holds the current snapshot. Readers take it once per connection, without a lock; writers follow one another and
/// replace it whole.
/// </summary>
internal sealed class MeshState(MeshSnapshot initial, TimeProvider timeProvider)
{
    // Held while a writer makes the next snapshot, which can take a second, and shows it. Readers never take it.
    private readonly Lock _updating = new();

    // Held for moments only: a waiting reader takes it too.
    private readonly Lock _writing = new();
    private readonly HashSet<Waiter> _waiters = [];

    // Under _updating. Replaced whole: an observer may bring in another one.
    private ImmutableArray<Action<MeshSnapshot>> _observers = [];

    // Written under _writing, read by any thread.
    private MeshSnapshot _current = initial;

    public MeshSnapshot Current => Volatile.Read(ref _current);

    /// <summary>
    /// Replaces the snapshot by what <paramref name="change"/> makes of it; an exception leaves it as it was.
    /// </summary>
    public void Update(Func<MeshSnapshot, MeshSnapshot> change)
    {
        lock (_updating)
        {
            var next = change(_current);
            lock (_writing)
            {
                Volatile.Write(ref _current, next);
                foreach (var waiter in _waiters)
                {
                    waiter.Look(next);
                }
            }

            foreach (var observer in _observers)
            {
                observer(_current);
            }
        }
    }

    /// <summary>
    /// Shows the current snapshot and then each that follows, one at a time and none twice. The observer must be quick and
    /// not fail: the writer waits for it. At any time, from any thread; waits for a writer that is at work.
    /// </summary>
    public void Observe(Action<MeshSnapshot> observer)
    {
        lock (_updating)
        {
            _observers = _observers.Add(observer);
            observer(_current);
        }
    }

    /// <summary>
    /// The local pod's workload as soon as the control plane has announced it; null when the time is over.
    /// </summary>
    public async ValueTask<Workload?> WaitForLocalWorkloadAsync(
        WorkloadInfo pod, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (Current.FindLocalWorkload(pod) is { } present)
        {
            return present;
        }

        var waiter = new Waiter(pod);
        lock (_writing)
        {
            waiter.Look(_current);
            _waiters.Add(waiter);
        }

        try
        {
            return await waiter.Found.WaitAsync(timeout, timeProvider, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
        finally
        {
            lock (_writing)
            {
                _waiters.Remove(waiter);
            }
        }
    }

    private sealed class Waiter(WorkloadInfo pod)
    {
        // Continuations run elsewhere: a writer must not carry on with a connection's work.
        private readonly TaskCompletionSource<Workload> _found =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Workload> Found => _found.Task;

        public void Look(MeshSnapshot snapshot)
        {
            if (snapshot.FindLocalWorkload(pod) is { } workload)
            {
                _found.TrySetResult(workload);
            }
        }
    }
}
