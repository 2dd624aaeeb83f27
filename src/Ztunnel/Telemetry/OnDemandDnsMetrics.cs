using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Ztunnel.Mesh;

namespace Ztunnel.Telemetry;

/// <summary>
/// Istio's count of connections whose destination is a name: each that needs an address, whether that is known from before
/// or not, and whether there is one. Both labels come from the control plane, which over time may name any number of them:
/// what comes when there are <see cref="MaxSeries"/> series is counted as <c>overflow</c>.
/// </summary>
internal sealed class OnDemandDnsMetrics
{
    /// <summary>Series with labels of their own, about.</summary>
    public const int MaxSeries = 10_000;

    private const string Overflow = "overflow";

    private readonly ConcurrentDictionary<(EndLabels Source, string Hostname), StrongBox<long>> _series = [];
    private long _added;

    /// <summary>Adds the family to a registry.</summary>
    public OnDemandDnsMetrics(MetricsRegistry registry) => registry.Add(new MetricFamily(
        "istio_on_demand_dns",
        "The total number of requests that used on-demand DNS (unstable).",
        "counter",
        () => _series.Select(static series => new MetricSample(
            Volatile.Read(ref series.Value.Value), text => WriteLabels(text, series.Key)))));

    /// <summary>A connection of that source needs an address of that name.</summary>
    public void Count(Workload source, string hostname)
    {
        var key = (EndLabels.OfWorkload(source), hostname);
        if (!_series.TryGetValue(key, out var count))
        {
            count = _series.GetOrAdd(
                Volatile.Read(ref _added) < MaxSeries ? key : (EndLabels.Overflow, Overflow), static _ => new StrongBox<long>());
            Interlocked.Increment(ref _added);
        }

        Interlocked.Increment(ref count.Value);
    }

    private static void WriteLabels(MetricsText text, (EndLabels Source, string Hostname) series)
    {
        TrafficLabels.WriteSource(text, series.Source);
        text.Label("hostname"u8, series.Hostname);
    }
}
