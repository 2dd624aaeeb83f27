using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Ztunnel.Mesh;

namespace Ztunnel.Telemetry;

/// <summary>
/// Istio's count of connections whose destination is a name: each that needs an address, whether that is known from before
/// or not, and whether there is one. Both labels come from the control plane, so there are no more series than it names.
/// </summary>
internal sealed class OnDemandDnsMetrics
{
    private readonly ConcurrentDictionary<(EndLabels Source, string Hostname), StrongBox<long>> _series = [];

    /// <summary>Adds the family to a registry.</summary>
    public OnDemandDnsMetrics(MetricsRegistry registry) => registry.Add(new MetricFamily(
        "istio_on_demand_dns",
        "The total number of requests that used on-demand DNS (unstable).",
        "counter",
        () => _series.Select(static series => new MetricSample(
            Volatile.Read(ref series.Value.Value), text => WriteLabels(text, series.Key)))));

    /// <summary>A connection of that source needs an address of that name.</summary>
    public void Count(Workload source, string hostname) => Interlocked.Increment(
        ref _series.GetOrAdd((EndLabels.OfWorkload(source), hostname), static _ => new StrongBox<long>()).Value);

    private static void WriteLabels(MetricsText text, (EndLabels Source, string Hostname) series)
    {
        TrafficLabels.WriteSource(text, series.Source);
        text.Label("hostname"u8, series.Hostname);
    }
}
