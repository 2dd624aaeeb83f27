using System.Diagnostics;

namespace Ztunnel.Demo;

/// <summary>What Prometheus sees of the traffic that the earlier checks made.</summary>
internal static class TelemetryChecks
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private static readonly (string, string)[] Tunnel =
    [
        ("source_workload", "client"),
        ("source_principal", DemoMesh.ClientIdentity),
        ("destination_workload", "server"),
        ("destination_principal", DemoMesh.ServerIdentity),
        ("connection_security_policy", "mutual_tls"),
    ];

    /// <summary>In the order in which they are shown.</summary>
    public static IEnumerable<DemoCheck> All { get; } =
    [
        new("metrics of the client's proxy", (c, t) => CompareAsync(c.ClientProxy, "source", t)),
        new("metrics of the server's proxy", (c, t) => CompareAsync(c.ServerProxy, "destination", t)),
    ];

    /// <summary>The sum over all samples of a family that have these labels.</summary>
    internal static double Sum(MetricSample[] metrics, string name, params (string, string)[] labels) =>
        metrics.Where(sample => sample.Name == name && sample.Has(labels)).Sum(sample => sample.Value);

    private static async Task<string> CompareAsync(
        ProxyProcess proxy, string reporter, CancellationToken cancellationToken)
    {
        (string, string)[] labels = [("reporter", reporter), .. Tunnel];
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            // The last connections may still be closing.
            var metrics = await proxy.ReadMetricsAsync(cancellationToken);
            var opened = Sum(metrics, "istio_tcp_connections_opened_total", labels);
            var closed = Sum(metrics, "istio_tcp_connections_closed_total", labels);
            var bytes = Sum(metrics, "istio_tcp_sent_bytes_total", labels);
            if (opened > 0 && opened == closed && bytes > 0)
            {
                return FormattableString.Invariant($"{opened:0} opened and closed, {bytes / 1e6:0} MB to the client");
            }

            if (Stopwatch.GetElapsedTime(started) > Limit)
            {
                throw new CheckFailedException(FormattableString.Invariant(
                    $"opened {opened:0}, closed {closed:0}, {bytes:0} bytes with {string.Join(", ", labels)}"));
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }
    }
}
