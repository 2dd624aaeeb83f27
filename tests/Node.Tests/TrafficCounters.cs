using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>The four traffic counters of one proxy, summed over the samples with some labels.</summary>
internal sealed record TrafficCounters(double Opened, double Closed, double Received, double Sent)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static async Task<TrafficCounters> ReadAsync(
        ProxyProcess proxy, (string, string)[] labels, CancellationToken cancellationToken)
    {
        var metrics = await proxy.ReadMetricsAsync(cancellationToken);
        return new TrafficCounters(
            Sum("istio_tcp_connections_opened_total"),
            Sum("istio_tcp_connections_closed_total"),
            Sum("istio_tcp_received_bytes_total"),
            Sum("istio_tcp_sent_bytes_total"));

        double Sum(string name) =>
            metrics.Where(sample => sample.Name == name && sample.Has(labels)).Sum(sample => sample.Value);
    }

    /// <summary>Waits until the counters have grown by exactly this since <paramref name="before"/>.</summary>
    public static async Task WaitForGrowthAsync(
        ProxyProcess proxy,
        (string, string)[] labels,
        TrafficCounters before,
        TrafficCounters growth,
        CancellationToken cancellationToken)
    {
        var deadline = DateTime.UtcNow + Limit;
        while (true)
        {
            var now = (await ReadAsync(proxy, labels, cancellationToken)).Minus(before);
            if (now == growth || DateTime.UtcNow > deadline)
            {
                Assert.Equal(growth, now);
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
    }

    private TrafficCounters Minus(TrafficCounters other) =>
        new(Opened - other.Opened, Closed - other.Closed, Received - other.Received, Sent - other.Sent);
}
