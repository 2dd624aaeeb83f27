using Ztunnel.Telemetry;

namespace Ztunnel.InPod;

/// <summary>Counts what came from istio-cni, and shows the pods of this node. Any thread.</summary>
internal sealed class ZdsMetrics
{
    private long _received;
    private long _refused;
    private long _disconnected;
    private long _notConnected;

    /// <summary>Adds the families to a registry.</summary>
    public void AddTo(MetricsRegistry registry, PodSet pods) => registry.Add(
        new MetricFamily(
            "workload_manager_active_proxy_count",
            "The total number current workloads with active proxies (unstable).",
            "gauge",
            () => [new MetricSample(pods.Counts.Active)]),
        new MetricFamily(
            "workload_manager_pending_proxy_count",
            "The total number current workloads with pending proxies (unstable).",
            "gauge",
            () => [new MetricSample(pods.Counts.Pending)]),
        new MetricFamily(
            "workload_manager_proxies_started",
            "The total number of proxies that were started (unstable).",
            "counter",
            () => [new MetricSample(pods.Counts.Started)]),
        new MetricFamily(
            "workload_manager_proxies_stopped",
            "The total number of proxies that were stopped (unstable).",
            "counter",
            () => [new MetricSample(pods.Counts.Stopped)]),
        new MetricFamily(
            "ztunnel_zds_requests",
            "Requests of the CNI agent (unstable).",
            "counter",
            () => [new MetricSample(Volatile.Read(ref _received))]),
        new MetricFamily(
            "ztunnel_zds_refused_requests",
            "Requests of the CNI agent that were not done (unstable).",
            "counter",
            () => [new MetricSample(Volatile.Read(ref _refused))]),
        new MetricFamily(
            "ztunnel_zds_disconnects",
            "Connections to the CNI agent that ended (unstable).",
            "counter",
            () => [new MetricSample(Volatile.Read(ref _disconnected))]),
        new MetricFamily(
            "ztunnel_zds_failed_connects",
            "Attempts to connect to the CNI agent that failed (unstable).",
            "counter",
            () => [new MetricSample(Volatile.Read(ref _notConnected))]));

    public void Received() => Interlocked.Increment(ref _received);

    public void Refused() => Interlocked.Increment(ref _refused);

    public void NotConnected() => Interlocked.Increment(ref _notConnected);

    public void Disconnected() => Interlocked.Increment(ref _disconnected);
}
