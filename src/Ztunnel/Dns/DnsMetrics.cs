using System.Collections.Concurrent;
using Ztunnel.Telemetry;

namespace Ztunnel.Dns;

/// <summary>Istio's metrics of DNS, for all pods of the process.</summary>
internal sealed class DnsMetrics
{
    private readonly ConcurrentDictionary<DnsLabels, DnsCounters> _series = [];

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
    public DnsCounters CountersFor(in DnsLabels labels) =>
        _series.TryGetValue(labels, out var counters)
            ? counters
            : _series.GetOrAdd(labels, static key => new DnsCounters(key));
}
