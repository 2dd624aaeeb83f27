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
    private long _received;
    private long _sent;
    private TrafficCounters? _counters;
    private int _closed;

    /// <summary>Counts and logs the connection as opened, unless its destination may change yet.</summary>
    public ConnectionTelemetry(
        in ConnectionFacts facts,
        TrafficMetrics metrics,
        AccessLog log,
        TimeProvider time,
        ConnectionTable? table = null,
        long? startedAt = null,
        bool mayChange = false)
    {
        _table = table;
        _facts = facts;
        _metrics = metrics;
        _log = log;
        _time = time;
        _startedAt = startedAt ?? time.GetTimestamp();
        table?.Add(this);
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
        _counters!.Closed(error?.Failure ?? ConnectionFailure.None, _time.GetTimestamp());
        _log.Completed(_facts, Volatile.Read(ref _received), Volatile.Read(ref _sent),
            _time.GetElapsedTime(_startedAt), error?.Message);
    }

    /// <inheritdoc/>
    public void Dispose() => Close(null);
}
