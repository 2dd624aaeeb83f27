using System.Collections.Concurrent;
using Ztunnel.Telemetry;

namespace Ztunnel.Dns;

/// <summary>
/// Istio's metrics of DNS, for all pods of the process. Over time there may be any number of pods: what comes when there are
/// <see cref="MaxSeries"/> series is counted as <c>overflow</c>.
/// </summary>
internal sealed class DnsMetrics
{
    /// <summary>Series with labels of their own, about.</summary>
    public const int MaxSeries = 10_000;

    private const string Overflow = "overflow";

    private readonly ConcurrentDictionary<DnsLabels, DnsCounters> _series = [];
    private long _added;

    /// <summary>Adds the families to a registry.</summary>
    public DnsMetrics(MetricsRegistry registry) => registry.Add(
        new MetricFamily("istio_dns_requests", "Total number of DNS requests (unstable).", "counter",
            () => _series.Values.Select(series => series.Requests)),
        new MetricFamily("istio_dns_upstream_requests",
            "Total number of DNS requests forwarded to upstream (unstable).", "counter",
            () => _series.Values.SelectMany(series => series.ForwardedSamples())),
        new MetricFamily("istio_dns_upstream_failures",
            "Total number of DNS requests forwarded to upstream that failed (unstable).", "counter",
            () => _series.Values.SelectMany(series => series.FailedSamples())),
        new MetricFamily("istio_dns_upstream_request_duration_seconds",
            "Total time in seconds Istio takes to get DNS response from upstream (unstable).", "histogram",
            () => _series.Values.SelectMany(series => series.DurationSamples()))
        {
            Unit = "seconds",
        });

    /// <summary>The counters of queries like these.</summary>
    public DnsCounters CountersFor(in DnsLabels labels)
    {
        if (_series.TryGetValue(labels, out var counters))
        {
            return counters;
        }

        // Record types are few, so that the overflow stays small.
        return Interlocked.Increment(ref _added) <= MaxSeries
            ? _series.GetOrAdd(labels, static key => new DnsCounters(key))
            : _series.GetOrAdd(
                labels with { Service = Overflow, Revision = Overflow }, static key => new DnsCounters(key));
    }
}
