using System.Text.Json;

namespace Ztunnel.Demo;

/// <summary>iperf3 between the captured pods: both directions, one stream and eight.</summary>
internal static class ThroughputChecks
{
    private const int Port = 5201;

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(10);

    /// <summary>In the order in which they are shown.</summary>
    public static IEnumerable<DemoCheck> All { get; } =
    [
        new("iperf3 to the server, 1 stream", (c, t) => MeasureAsync(c, "1", reverse: false, t)),
        new("iperf3 to the server, 8 streams", (c, t) => MeasureAsync(c, "8", reverse: false, t)),
        new("iperf3 to the client, 1 stream", (c, t) => MeasureAsync(c, "1", reverse: true, t)),
        new("iperf3 to the client, 8 streams", (c, t) => MeasureAsync(c, "8", reverse: true, t)),
    ];

    private static async Task<string> MeasureAsync(
        DemoCluster cluster, string streams, bool reverse, CancellationToken cancellationToken)
    {
        // A server for each measurement: one that goes on opens its port anew after each test, and who comes meanwhile
        // is reset.
        await using var server = await cluster.Server.Namespace.StartAsync(
            new ProcessSpec("iperf3", "--server", "--one-off"));
        await server.WaitForListenerAsync(Port, StartLimit, cancellationToken);

        string[] direction = reverse ? ["--reverse"] : [];
        var address = cluster.Server.IPv4.ToString();
        var client = new ProcessSpec(
            ["iperf3", "--json", "--client", address, "--time", "2", "--parallel", streams, .. direction]);
        var result = await cluster.Client.Namespace.RunAsync(client, cancellationToken, TimeSpan.FromSeconds(30));

        using var report = Parse(result);
        return report.RootElement.TryGetProperty("error", out var error)
            ? throw new CheckFailedException($"iperf3: {error}")
            : Describe(report.RootElement);
    }

    private static JsonDocument Parse(CommandResult result)
    {
        try
        {
            return JsonDocument.Parse(result.Output);
        }
        catch (JsonException e)
        {
            throw new CheckFailedException($"iperf3 gave no report ({e.Message}): {result.Error} {result.Output}");
        }
    }

    private static string Describe(JsonElement report)
    {
        var received = report.GetProperty("end").GetProperty("sum_received");
        var bytes = received.GetProperty("bytes").GetInt64();
        return bytes > 0
            ? FormattableString.Invariant($"{received.GetProperty("bits_per_second").GetDouble() / 1e9:0.00} Gb/s")
            : throw new CheckFailedException("iperf3 received nothing");
    }
}
