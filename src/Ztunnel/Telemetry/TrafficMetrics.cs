using System.Collections.Concurrent;

namespace Ztunnel.Telemetry;

/// <summary>
/// Istio's TCP metrics. A connection looks its counters up once. They are written by ourselves and not through
/// prometheus-net, because that wants one fixed list of labels for each family, while Istio leaves the locality labels
/// out when neither end is known, and because it prints other text: <c>1.0</c> and <c>_total</c> in the heads.
/// </summary>
internal sealed class TrafficMetrics
{
    /// <summary>
    /// Series that may come from what unknown peers say about themselves. A peer can say anything in each request and
    /// answer, so after that many it counts as unknown.
    /// </summary>
    public const int MaxClaimedSeries = 1000;

    private readonly ConcurrentDictionary<TrafficLabels, TrafficCounters> _series = [];
    private readonly long[] _openSockets = [0, 0];
    private readonly bool[] _hadSockets = [false, false];
    private int _claimedSeries;

    /// <summary>Adds the families to a registry.</summary>
    public TrafficMetrics(MetricsRegistry registry) => registry.Add(
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

    /// <summary>The counters for connections like this one.</summary>
    public TrafficCounters CountersFor(in ConnectionFacts facts)
    {
        var labels = TrafficLabels.Of(facts);
        if (_series.TryGetValue(labels, out var counters))
        {
            return counters;
        }

        var isClaimed = facts is { Source: null, SourceFallback: not null }
            or { Destination: null, DestinationFallback: not null };
        if (isClaimed && (Volatile.Read(ref _claimedSeries) >= MaxClaimedSeries
            || Interlocked.Increment(ref _claimedSeries) > MaxClaimedSeries))
        {
            labels = TrafficLabels.Of(facts with { SourceFallback = null, DestinationFallback = null });
        }

        return _series.GetOrAdd(labels, static key => new TrafficCounters(key));
    }

    /// <summary>A downstream socket was accepted.</summary>
    public void SocketOpened(Reporter reporter)
    {
        Volatile.Write(ref _hadSockets[(int)reporter], true);
        Interlocked.Increment(ref _openSockets[(int)reporter]);
    }

    /// <summary>It was closed.</summary>
    public void SocketClosed(Reporter reporter) => Interlocked.Decrement(ref _openSockets[(int)reporter]);

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
