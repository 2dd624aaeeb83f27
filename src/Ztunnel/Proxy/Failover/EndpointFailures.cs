using Microsoft.Extensions.Logging;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;

namespace Ztunnel.Proxy.Failover;

/// <summary>
/// Which endpoints one pod fails to connect to, and which of them it passes over for now. Any thread. Kept for each pod,
/// because a NetworkPolicy or an identity can keep one pod from what others reach.
/// </summary>
/// <remarks>
/// An endpoint is ejected at the third failure in a row for 5 s, and for twice the time before at each further one, up to
/// 5 min, +-20 %. A success ends that and forgets the failures, and so do ten minutes without either. Attempts that were
/// under way when one of them failed count as one failure: hundred connections may wait for the same handshake.
/// </remarks>
internal sealed class EndpointFailures : IDisposable
{
    /// <summary>Endpoints with failures that are remembered; those that failed longest ago are forgotten first.</summary>
    public const int MaxTracked = 1024;

    /// <summary>Endpoints passed over at once; more are used although they fail.</summary>
    public const int MaxEjected = 128;

    private const int Threshold = 3;
    private const double Jitter = 0.2;
    private static readonly TimeSpan First = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    private readonly WorkloadInfo _pod;
    private readonly FailoverMetrics _metrics;
    private readonly ILogger<EndpointFailures> _logger;
    private readonly Random _random;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<EndpointKey, Entry> _entries = [];
    private EjectedEndpoints? _ejected;
    private ITimer? _timer;
    private int _count; // of entries, read without the lock
    private bool _disposed;

    /// <param name="pod">Whose attempts they are, for the log.</param>
    /// <param name="metrics">Of all pods.</param>
    /// <param name="logger">Told of ejections and returns.</param>
    /// <param name="random">Spreads the returns.</param>
    /// <param name="time">Clock.</param>
    public EndpointFailures(
        WorkloadInfo pod,
        FailoverMetrics metrics,
        ILogger<EndpointFailures> logger,
        Random random,
        TimeProvider time)
    {
        _pod = pod;
        _metrics = metrics;
        _logger = logger;
        _random = random;
        _time = time;
    }

    /// <summary>Passed over now; null for none. One volatile read.</summary>
    public EjectedEndpoints? Ejected => Volatile.Read(ref _ejected);

    /// <summary>An attempt succeeded.</summary>
    public void Succeeded(EndpointKey key)
    {
        if (Volatile.Read(ref _count) == 0)
        {
            return;
        }

        lock (_gate)
        {
            if (!_entries.Remove(key, out var entry))
            {
                return;
            }

            Volatile.Write(ref _count, _entries.Count);
            if (entry.Until is not null)
            {
                Returned(key, "connected");
                Publish();
            }
        }
    }

    /// <summary>An attempt failed in a way that speaks against the endpoint.</summary>
    /// <param name="key">Which.</param>
    /// <param name="startedAt">Timestamp of the attempt's begin.</param>
    /// <param name="reason">For the log.</param>
    public void Failed(EndpointKey key, long startedAt, string reason)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            var now = _time.GetTimestamp();
            if (!_entries.TryGetValue(key, out var entry))
            {
                MakeRoom();
                _entries[key] = entry = new Entry();
                Volatile.Write(ref _count, _entries.Count);
                Arm(now);
            }
            else if (startedAt < entry.FailedAt)
            {
                return;
            }

            entry.FailedAt = now;
            entry.Failures++;
            if (entry.Failures >= Threshold && entry.Until is null && (_ejected?.Keys.Count ?? 0) < MaxEjected)
            {
                Eject(key, entry, now, reason);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _disposed = true;
                _timer?.Dispose();
                _metrics.Returned(_ejected?.Keys.Count ?? 0);
                Volatile.Write(ref _ejected, null);
                _entries.Clear();
                Volatile.Write(ref _count, 0);
            }
        }
    }

    private void Eject(EndpointKey key, Entry entry, long now, string reason)
    {
        var doublings = Math.Min(entry.Ejections++, 16);
        var span = TimeSpan.FromTicks(Math.Min(First.Ticks << doublings, Longest.Ticks));
        span *= 1 - Jitter + (2 * Jitter * _random.NextDouble());
        entry.Until = now + ToTimestamp(span);
        _metrics.EjectedOne();
        _logger.EndpointEjected(
            _pod, (long)span.TotalMilliseconds, entry.Failures, reason, key.WorkloadUid, key.Address);
        Publish();
        Arm(now);
    }

    // The times of those that are used although they are ejected go on.
    private void Look()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            var now = _time.GetTimestamp();
            var returned = false;
            foreach (var (key, entry) in _entries)
            {
                if (entry.Until <= now)
                {
                    entry.Until = null;
                    returned = true;
                    Returned(key, "its time is over");
                }
                else if (entry.Until is null && _time.GetElapsedTime(entry.FailedAt, now) >= Memory)
                {
                    _entries.Remove(key);
                }
            }

            Volatile.Write(ref _count, _entries.Count);
            if (returned)
            {
                Publish();
            }

            Arm(now);
        }
    }

    private void Returned(EndpointKey key, string reason)
    {
        _metrics.Returned(1);
        _logger.EndpointReturned(_pod, reason, key.WorkloadUid, key.Address);
    }

    private void Publish()
    {
        EndpointKey[] keys = [.. _entries.Where(entry => entry.Value.Until is not null).Select(entry => entry.Key)];
        Volatile.Write(ref _ejected, keys.Length == 0 ? null : new EjectedEndpoints(keys));
    }

    // There is always one to forget: never are all of them ejected.
    private void MakeRoom()
    {
        if (_entries.Count >= MaxTracked)
        {
            _entries.Remove(_entries.Where(entry => entry.Value.Until is null).MinBy(entry => entry.Value.FailedAt).Key);
        }
    }

    // An entry that fails again or succeeds meanwhile lets the timer come too early once, which finds nothing to do.
    private void Arm(long now)
    {
        if (_entries.Count == 0)
        {
            return;
        }

        var next = _entries.Values.Min(entry => entry.Until ?? (entry.FailedAt + ToTimestamp(Memory)));
        var wait = _time.GetElapsedTime(now, Math.Max(now, next)) + TimeSpan.FromMilliseconds(1);
        _timer ??= _time.CreateTimer(
            static failures => ((EndpointFailures)failures!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private long ToTimestamp(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);

    // Under the lock.
    private sealed class Entry
    {
        public int Failures { get; set; }

        public int Ejections { get; set; }

        public long FailedAt { get; set; }

        /// <summary>Timestamp of the return; null while it is used.</summary>
        public long? Until { get; set; }
    }
}
