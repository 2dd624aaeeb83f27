using Hbone.Proxying;

namespace Ztunnel.Telemetry;

/// <summary>
/// Counts and logs one proxied connection, from the decision to its end. Its owner closes it, with the error if there
/// was one; disposing an open one closes it without. The two copy directions may count at the same time.
/// </summary>
internal sealed class ConnectionTelemetry : ICopyCounters, IDisposable
{
    private readonly ConnectionTable? _table;
    private readonly ConnectionFacts _facts;
    private readonly TrafficMetrics _metrics;
    private readonly AccessLog _log;
    private readonly TimeProvider _time;
    private readonly long _startedAt;
    private readonly TimeSpan? _progressInterval;
    private long _received;
    private long _sent;
    private TrafficCounters? _counters;
    private ConnectionProgress? _progress;
    private int _closed;

    /// <summary>Counts and logs the connection as opened, unless its destination may change yet.</summary>
    /// <param name="facts">What is known about it.</param>
    /// <param name="metrics">Where it is counted.</param>
    /// <param name="log">Told when it opens and ends.</param>
    /// <param name="time">Clock of its duration.</param>
    /// <param name="table">Where it is listed while it is open; null for nowhere.</param>
    /// <param name="startedAt">Timestamp that its duration counts from; null for now.</param>
    /// <param name="mayChange">Whether another destination may yet be tried.</param>
    /// <param name="progressInterval">How often the log tells of it while it is open; null for never.</param>
    public ConnectionTelemetry(
        in ConnectionFacts facts,
        TrafficMetrics metrics,
        AccessLog log,
        TimeProvider time,
        ConnectionTable? table = null,
        long? startedAt = null,
        bool mayChange = false,
        TimeSpan? progressInterval = null)
    {
        _table = table;
        _facts = facts;
        _metrics = metrics;
        _log = log;
        _time = time;
        _startedAt = startedAt ?? time.GetTimestamp();
        table?.Add(this);
        _progressInterval = progressInterval;
        if (!mayChange)
        {
            Opened();
        }
    }

    /// <summary>What was known when it was opened.</summary>
    public ConnectionFacts Facts => _facts;

    /// <summary>
    /// The destination is final: counts and logs the connection as opened, the first time. Called by the owner only.
    /// </summary>
    public void Opened()
    {
        if (_counters is null)
        {
            _counters = _metrics.CountersFor(_facts);
            _counters.Opened();
            _log.Opened(_facts);
            if (_progressInterval is { } interval)
            {
                _progress = new ConnectionProgress(interval, _time, LogProgress);
            }
        }
    }

    /// <summary>The connection goes on with another destination: this one was never opened.</summary>
    public void Abandon()
    {
        if (_counters is null && Interlocked.Exchange(ref _closed, 1) == 0)
        {
            _table?.Remove(this);
        }
    }

    /// <summary>Bytes went from downstream to upstream.</summary>
    public void AddReceived(long bytes)
    {
        Interlocked.Add(ref _received, bytes);
        _counters!.AddReceived(bytes);
    }

    /// <summary>Bytes went from upstream to downstream.</summary>
    public void AddSent(long bytes)
    {
        Interlocked.Add(ref _sent, bytes);
        _counters!.AddSent(bytes);
    }

    /// <summary>Counts and logs the end, the first time; later calls do nothing.</summary>
    public void Close(ProxyException? error)
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
        {
            return;
        }

        Opened();
        _table?.Remove(this);
        _progress?.Dispose();
        _counters!.Closed(error?.Failure ?? ConnectionFailure.None, _time.GetTimestamp());
        _log.Completed(_facts, Volatile.Read(ref _received), Volatile.Read(ref _sent),
            _time.GetElapsedTime(_startedAt), error?.Message);
    }

    /// <inheritdoc/>
    public void Dispose() => Close(null);

    private void LogProgress() => _log.Progressed(
        _facts, Volatile.Read(ref _received), Volatile.Read(ref _sent), _time.GetElapsedTime(_startedAt));
}
