using System.Collections.Concurrent;

namespace Ztunnel.Telemetry;

/// <summary>
/// Istio's TCP metrics. A connection looks its counters up once. They are written by ourselves and not through
/// prometheus-net, because that wants one fixed list of labels for each family, while Istio leaves the locality labels
/// out when neither end is known, and because it prints other text: <c>1.0</c> and <c>_total</c> in the heads.
/// </summary>
/// <remarks>
/// There are at most as many series as asked for. Connections beyond count on series whose far end and service are
/// <c>overflow</c>, one for each near end: sums stay right, each counter only grows, and no connection ever changes over.
/// </remarks>
internal sealed class TrafficMetrics
{
    /// <summary>
    /// Series that may come from what unknown peers say about themselves. A peer can say anything in each request and
    /// answer, so after that many it counts as unknown.
    /// </summary>
    public const int MaxClaimedSeries = 1000;

    /// <summary>Near ends that keep their labels when there are series enough.</summary>
    public const int MaxFoldedSeries = 1000;

    /// <summary>Series unless asked for otherwise.</summary>
    public const int DefaultMaxSeries = 20_000;

    private readonly ConcurrentDictionary<TrafficLabels, TrafficCounters> _series = [];
    private readonly long[] _openSockets = [0, 0];
    private readonly bool[] _hadSockets = [false, false];
    private readonly int _maxSeries;
    private int _ownSeries;
    private int _claimedSeries;
    private int _foldedSeries;
    private long _foldedConnections;
    private long _expiredSeries;

    /// <summary>Adds the families to a registry.</summary>
    /// <param name="registry">Where to.</param>
    /// <param name="maxSeries">Label sets that get a series of their own; at least 1.</param>
    public TrafficMetrics(MetricsRegistry registry, int maxSeries = DefaultMaxSeries)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxSeries);
        _maxSeries = maxSeries;
        registry.Add(
            new MetricFamily("istio_tcp_connections_opened", "The total number of TCP connections opened.", "counter",
                () => Samples(series => series.OpenedCount)),
            new MetricFamily("istio_tcp_connections_closed", "The total number of TCP connections closed.", "counter",
                () => _series.Values.SelectMany(series => series.ClosedSamples())),
            new MetricFamily("istio_tcp_received_bytes",
                "The size of total bytes received during request in case of a TCP connection.", "counter",
                () => Samples(series => series.ReceivedBytes)),
            new MetricFamily("istio_tcp_sent_bytes",
                "The size of total bytes sent during response in case of a TCP connection.", "counter",
                () => Samples(series => series.SentBytes)),
            new MetricFamily("istio_tcp_connections_failed",
                "The total number of TCP connections that failed to establish (unstable).", "counter",
                () => _series.Values.SelectMany(series => series.FailedSamples())),
            new MetricFamily("istio_tcp_sockets_open", "The current number of open TCP sockets (unstable).", "gauge",
                SocketSamples));
    }

    /// <summary>Label sets now, those of the overflow included.</summary>
    public int SeriesCount => _series.Count;

    /// <summary>Shows how the limit of series is used.</summary>
    public void AddLimitsTo(MetricsRegistry registry) => registry.Add(
        new MetricFamily("ztunnel_traffic_series",
            "Label sets that traffic is counted by now (unstable).", "gauge",
            () => [new MetricSample(_series.Count)]),
        new MetricFamily("ztunnel_traffic_series_limit",
            "Label sets that traffic may be counted by, besides those of the overflow (unstable).", "gauge",
            () => [new MetricSample(_maxSeries)]),
        new MetricFamily("ztunnel_traffic_series_folded_connections",
            "Connections counted with labels of the overflow because there were label sets enough (unstable).", "counter",
            () => [new MetricSample(Volatile.Read(ref _foldedConnections))]),
        new MetricFamily("ztunnel_traffic_series_expired",
            "Label sets taken out because what they name is gone (unstable).", "counter",
            () => [new MetricSample(Volatile.Read(ref _expiredSeries))]));

    /// <summary>
    /// The counters for connections like this one. They do not expire before <see cref="TrafficCounters.Closed"/>.
    /// </summary>
    public TrafficCounters CountersFor(in ConnectionFacts facts)
    {
        var labels = TrafficLabels.Of(facts);
        while (true)
        {
            var counters = _series.GetValueOrDefault(labels) ?? Add(labels, facts);
            if (counters.TryUse())
            {
                if (counters.Kind >= SeriesKind.Folded)
                {
                    Interlocked.Increment(ref _foldedConnections);
                }

                return counters;
            }

            Remove(counters); // it has expired this moment
        }
    }

    /// <summary>Series that no connection has used since a timestamp.</summary>
    public IEnumerable<TrafficCounters> UnusedSince(long timestamp) =>
        _series.Values.Where(series => series.IsUnused && series.LastUsed <= timestamp);

    /// <summary>Takes a series out, unless a connection has begun to use it.</summary>
    public void Expire(TrafficCounters counters)
    {
        if (counters.TryRetire())
        {
            Remove(counters);
            Interlocked.Increment(ref _expiredSeries);
        }
    }

    /// <summary>A downstream socket was accepted.</summary>
    public void SocketOpened(Reporter reporter)
    {
        Volatile.Write(ref _hadSockets[(int)reporter], true);
        Interlocked.Increment(ref _openSockets[(int)reporter]);
    }

    /// <summary>It was closed.</summary>
    public void SocketClosed(Reporter reporter) => Interlocked.Decrement(ref _openSockets[(int)reporter]);

    private TrafficCounters Add(in TrafficLabels labels, in ConnectionFacts facts)
    {
        var isClaimed = facts is { Source: null, SourceFallback: not null }
            or { Destination: null, DestinationFallback: not null };
        if (isClaimed && !TryReserve(ref _claimedSeries, MaxClaimedSeries))
        {
            var nameless = facts with { SourceFallback = null, DestinationFallback = null };
            var unknown = TrafficLabels.Of(nameless);
            return _series.GetValueOrDefault(unknown) ?? Add(unknown, nameless);
        }

        var kind = isClaimed ? SeriesKind.Claimed : SeriesKind.Known;
        var pods = new TrafficPods(facts.Source?.Uid, facts.Destination?.Uid);
        if (TryReserve(ref _ownSeries, _maxSeries))
        {
            return GetOrAdd(labels, pods, kind);
        }

        if (isClaimed)
        {
            Interlocked.Decrement(ref _claimedSeries);
        }

        return Folded(labels, pods);
    }

    private TrafficCounters Folded(in TrafficLabels labels, TrafficPods pods)
    {
        var folded = labels.WithoutFarEnd();
        if (_series.TryGetValue(folded, out var counters))
        {
            return counters;
        }

        var near = labels.Reporter == Reporter.Source ? pods with { Destination = null } : pods with { Source = null };
        return TryReserve(ref _foldedSeries, MaxFoldedSeries)
            ? GetOrAdd(folded, near, SeriesKind.Folded)
            : GetOrAdd(folded.WithoutNearEnd(), default, SeriesKind.FoldedWholly);
    }

    // What was reserved for it is given back if somebody else was faster.
    private TrafficCounters GetOrAdd(in TrafficLabels labels, TrafficPods pods, SeriesKind kind)
    {
        var added = new TrafficCounters(labels) { Pods = pods, Kind = kind };
        var present = _series.GetOrAdd(labels, added);
        if (present != added)
        {
            GiveBack(kind);
        }

        return present;
    }

    private void Remove(TrafficCounters counters)
    {
        if (_series.TryRemove(new(counters.Labels, counters)))
        {
            GiveBack(counters.Kind);
        }
    }

    private void GiveBack(SeriesKind kind)
    {
        if (kind is SeriesKind.Known or SeriesKind.Claimed)
        {
            Interlocked.Decrement(ref _ownSeries);
        }

        if (kind == SeriesKind.Claimed)
        {
            Interlocked.Decrement(ref _claimedSeries);
        }
        else if (kind == SeriesKind.Folded)
        {
            Interlocked.Decrement(ref _foldedSeries);
        }
    }

    private static bool TryReserve(ref int count, int limit)
    {
        if (Volatile.Read(ref count) >= limit)
        {
            return false;
        }

        if (Interlocked.Increment(ref count) <= limit)
        {
            return true;
        }

        Interlocked.Decrement(ref count);
        return false;
    }

    private IEnumerable<MetricSample> Samples(Func<TrafficCounters, long> value) =>
        _series.Values.Select(series => new MetricSample(value(series), series.WriteOpenLabels));

    private IEnumerable<MetricSample> SocketSamples()
    {
        foreach (var reporter in (Reporter[])[Reporter.Source, Reporter.Destination])
        {
            if (Volatile.Read(ref _hadSockets[(int)reporter]))
            {
                yield return new MetricSample(
                    Volatile.Read(ref _openSockets[(int)reporter]),
                    text => text.Label("reporter"u8, reporter.ToLabel()));
            }
        }
    }
}
