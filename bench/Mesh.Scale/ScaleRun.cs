using System.Globalization;
using Mesh.Scale.Load;
using Node.Bench;

namespace Mesh.Scale;

/// <summary>The phases, each with its figures as lines <c>PHASE name figure=value ...</c>.</summary>
internal sealed class ScaleRun(ScaleOptions options, ScalePods pods, TextWriter output)
{
    private const int Reconnects = 3;

    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);

    /// <summary>How long a phase lasts beyond what the control plane does, so that what follows from it is in.</summary>
    private static readonly TimeSpan Afterwards = TimeSpan.FromSeconds(2);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(Quiet, cancellationToken); // warm-up
        await pods.TakeAsync(cancellationToken);
        await Task.Delay(Quiet, cancellationToken);
        await ReportAsync("quiet", "", cancellationToken);
        var small = await RestAsync("small", cancellationToken);

        await PhaseAsync("first_push", "grow", cancellationToken);
        var large = await RestAsync("large", cancellationToken);
        await Task.Delay(Quiet, cancellationToken);
        await ReportAsync("quiet_large", "", cancellationToken);
        await PhaseAsync("churn", FormattableString.Invariant($"churn {options.ChurnSeconds}"), cancellationToken);
        var churned = await RestAsync("churned", cancellationToken);
        for (var i = 1; i <= Reconnects; i++)
        {
            await PhaseAsync(FormattableString.Invariant($"reconnect_{i}"), "reconnect", cancellationToken);
        }

        var reconnected = await RestAsync("reconnected", cancellationToken);
        await PhaseAsync("removal", "clear", cancellationToken);
        await RestAsync("removed", cancellationToken);
        Line(
            "RESULT",
            ("bytes_per_workload", (large - small) / options.Size.Workloads),
            ("rss_churned_ratio", churned / large),
            ("rss_reconnected_ratio", reconnected / large));
    }

    private async Task PhaseAsync(string name, string command, CancellationToken cancellationToken)
    {
        if (!command.StartsWith("churn", StringComparison.Ordinal))
        {
            await pods.ControlAsync($"prepare {command}", cancellationToken);
            await Task.Delay(Afterwards, cancellationToken);
        }

        await pods.TakeAsync(cancellationToken);
        var done = await pods.ControlAsync(command, cancellationToken);
        await Task.Delay(Afterwards, cancellationToken);
        await ReportAsync(name, done, cancellationToken);
    }

    private async Task<double> RestAsync(string name, CancellationToken cancellationToken)
    {
        await Task.Delay(options.Settle, cancellationToken);
        var resident = ProcessUsage.ResidentBytes(pods.Proxy);
        var phase = await pods.TakeAsync(cancellationToken);
        Line(
            $"MEMORY {name}",
            ("rss_mb", resident / 1e6),
            ("rss_peak_mb", ProcessUsage.PeakResidentBytes(pods.Proxy) / 1e6),
            ("heap_mb", phase.Proxy.HeapMegabytes));
        return resident;
    }

    private async Task ReportAsync(string name, string done, CancellationToken cancellationToken)
    {
        var phase = await pods.TakeAsync(cancellationToken);
        if (done.Length > 0)
        {
            output.WriteLine($"CONTROL {name} {done}");
        }

        if (phase.Connections.Failures + phase.Trips.Failures > 0)
        {
            output.WriteLine($"FAILED {name}: the proxy's last words are\n{pods.LastWords}");
        }

        Write($"CONNECTIONS {name}", phase.Connections);
        Write($"STREAMS {name}", phase.Trips);
        Line(
            $"GC {name}",
            ("pause_ms", phase.Proxy.PauseMilliseconds),
            ("longest_pause_ms", phase.Proxy.LongestPauseMilliseconds),
            ("gen0", phase.Proxy.Collections[0]),
            ("gen1", phase.Proxy.Collections[1]),
            ("gen2", phase.Proxy.Collections[2]));
        output.WriteLine($"DECISIONS {name} " + string.Join(
            ' ', phase.Proxy.Decisions.Where(pair => pair.Value > 0).Select(pair => $"<{pair.Key}us:{pair.Value}")));
    }

    private void Write(string name, DelaySummary delays) => Line(
        name,
        ("count", delays.Count),
        ("failed", delays.Failures),
        ("p50_ms", delays.P50),
        ("p99_ms", delays.P99),
        ("p999_ms", delays.P999),
        ("worst_ms", delays.Worst));

    private void Line(string name, params ReadOnlySpan<(string Name, double Value)> values)
    {
        output.Write(name);
        foreach (var (figure, value) in values)
        {
            output.Write(string.Create(CultureInfo.InvariantCulture, $" {figure}={value:0.###}"));
        }

        output.WriteLine();
    }
}
