using Ztunnel.Telemetry;

namespace Ztunnel.Proxy.Failover;

/// <summary>Counts of all pods: attempts at other endpoints, and endpoints that are passed over. Safe for all threads.</summary>
internal sealed class FailoverMetrics
{
    private long _connected;
    private long _failed;
    private long _ejections;
    private long _ejected;

    /// <summary>Further attempts that succeeded.</summary>
    public long Connected => Interlocked.Read(ref _connected);

    /// <summary>Further attempts that failed as well.</summary>
    public long Failed => Interlocked.Read(ref _failed);

    /// <summary>Times that an endpoint was ejected.</summary>
    public long Ejections => Interlocked.Read(ref _ejections);

    /// <summary>Endpoints passed over now, once for each pod that does.</summary>
    public long Ejected => Interlocked.Read(ref _ejected);

    /// <summary>Shows the counts on the metrics page.</summary>
    public void AddTo(MetricsRegistry registry) => registry.Add(
        new MetricFamily(
            "ztunnel_connect_retries",
            "Attempts to connect to another endpoint after one had failed, by how they ended (unstable).",
            "counter",
            () =>
            [
                new MetricSample(Connected, static text => text.Label("outcome"u8, "connected")),
                new MetricSample(Failed, static text => text.Label("outcome"u8, "failed")),
            ]),
        new MetricFamily(
            "ztunnel_endpoint_ejections",
            "Times that an endpoint was passed over by a pod because connections to it had failed (unstable).",
            "counter",
            () => [new MetricSample(Ejections)]),
        new MetricFamily(
            "ztunnel_ejected_endpoints",
            "Endpoints that are passed over now, counted for each pod (unstable).",
            "gauge",
            () => [new MetricSample(Ejected)]));

    public void Retried(bool connected) => Interlocked.Increment(ref connected ? ref _connected : ref _failed);

    public void EjectedOne()
    {
        Interlocked.Increment(ref _ejections);
        Interlocked.Increment(ref _ejected);
    }

    public void Returned(int count) => Interlocked.Add(ref _ejected, -count);
}
