using System.Globalization;
using System.Text.Json;
using Ztunnel.Demo;

namespace Node.Bench.Measurements;

/// <summary>Bytes as fast as they go, with iperf3: what arrived at the receiver in one second.</summary>
internal sealed class Throughput(int streams, bool upload, TimeSpan duration) : IMeasurement
{
    /// <summary>The server takes one test at a time and may still be closing the last one.</summary>
    private const int Attempts = 5;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly Figure _throughput = Figure.ThroughputOf(streams, upload);
    private readonly Figure _cpuPerGigabyte = Figure.CpuPerGigabyteOf(streams, upload);

    public string Name => _throughput.Name;

    public async Task RunAsync(Lane lane, Samples samples, CancellationToken cancellationToken)
    {
        var before = ProcessUsage.CpuSeconds(lane.Proxies);
        var (bytes, bitsPerSecond) = await TransferAsync(lane, cancellationToken);
        var used = ProcessUsage.CpuSeconds(lane.Proxies) - before;
        samples.Add(_throughput, lane.Peer.Name, bitsPerSecond / 1e9);
        if (lane.Proxies.Count > 0)
        {
            samples.Add(_cpuPerGigabyte, lane.Peer.Name, used / (bytes / 1e9));
        }
    }

    private async Task<(double Bytes, double BitsPerSecond)> TransferAsync(
        Lane lane, CancellationToken cancellationToken)
    {
        var target = lane.Peer.IperfTarget;
        string[] direction = upload ? [] : ["-R"];
        var spec = new ProcessSpec(
        [
            "iperf3", "-J", "-c", target.Address.ToString(), "-p", Number(target.Port),
            "-P", Number(streams), "-t", Number((int)duration.TotalSeconds), .. direction,
        ]);
        for (var attempt = 1; ; attempt++)
        {
            var result = await lane.RunClientAsync(spec, duration, cancellationToken);
            if (result.ExitCode == 0)
            {
                using var report = JsonDocument.Parse(result.Output);
                var received = report.RootElement.GetProperty("end").GetProperty("sum_received");
                return (received.GetProperty("bytes").GetDouble(), received.GetProperty("bits_per_second").GetDouble());
            }

            var isBusy = result.Output.Contains("the server is busy", StringComparison.Ordinal);
            if (!isBusy || attempt == Attempts)
            {
                throw lane.Failed($"iperf3 ended with {result.ExitCode}: {ErrorIn(result.Output)} {result.Error}");
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }

    /// <summary>The line of the JSON report that says what went wrong, if there is one.</summary>
    private static string ErrorIn(string report) =>
        report.Split('\n').FirstOrDefault(line => line.Contains("\"error\"", StringComparison.Ordinal))?.Trim() ?? "";

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
