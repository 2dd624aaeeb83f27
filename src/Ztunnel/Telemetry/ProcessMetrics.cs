using System.Diagnostics;
using System.Globalization;
using System.IO.Enumeration;

namespace Ztunnel.Telemetry;

/// <summary>
/// Metrics of the process itself: its file descriptors, its version, and what Prometheus' own client libraries say of every
/// process under the same names.
/// </summary>
internal static class ProcessMetrics
{
    private const string DescriptorsPath = "/proc/self/fd";
    private const string LimitsPath = "/proc/self/limits";
    private const string LimitName = "Max open files";

    private static readonly double StartedAt = StartTime();

    /// <summary>Adds the families to a registry.</summary>
    /// <param name="registry">Where to.</param>
    /// <param name="istioVersion">Label <c>tag</c> of <c>istio_build</c>, which dashboards group by.</param>
    public static void Add(MetricsRegistry registry, string istioVersion) => registry.Add(
        new MetricFamily("process_open_fds", "Number of open file descriptors", "gauge",
            () => Sample(CountDescriptors())),
        new MetricFamily("process_max_fds", "Maximum number of file descriptors", "gauge",
            () => Sample(ReadDescriptorLimit())),
        new MetricFamily("istio_build", "Istio component build info.", "gauge", () =>
        [
            new MetricSample(1, text =>
            {
                text.Label("component"u8, "ztunnel");
                text.Label("tag"u8, istioVersion);
            }),
        ]),
        new MetricFamily("process_cpu_seconds", "Total user and system CPU time spent in seconds", "counter",
            () => [new MetricSample(0) { Fraction = Environment.CpuUsage.TotalTime.TotalSeconds }])
        {
            Unit = "seconds",
        },
        new MetricFamily("process_resident_memory_bytes", "Resident memory size in bytes", "gauge",
            () => [new MetricSample(Environment.WorkingSet)])
        {
            Unit = "bytes",
        },
        new MetricFamily("process_start_time_seconds", "Start time of the process since unix epoch in seconds", "gauge",
            () => [new MetricSample(0) { Fraction = StartedAt }])
        {
            Unit = "seconds",
        });

    private static MetricSample[] Sample(long? value) => value is { } known ? [new MetricSample(known)] : [];

    /// <summary>Without the one that the listing itself takes.</summary>
    private static long? CountDescriptors() =>
        Directory.Exists(DescriptorsPath)
            ? new FileSystemEnumerable<bool>(DescriptorsPath, static (ref entry) => true).LongCount() - 1
            : null;

    /// <summary>
    /// The soft limit: <c>Max open files   soft   hard   files</c> (proc(5)); null when there is none.
    /// </summary>
    private static long? ReadDescriptorLimit()
    {
        var line = File.Exists(LimitsPath)
            ? File.ReadLines(LimitsPath).FirstOrDefault(l => l.StartsWith(LimitName, StringComparison.Ordinal))
            : null;
        var columns = line?[LimitName.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return columns is [var soft, ..] && long.TryParse(soft, CultureInfo.InvariantCulture, out var limit)
            ? limit
            : null;
    }

    private static double StartTime()
    {
        using var process = Process.GetCurrentProcess();
        return Math.Round((process.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds, 2);
    }
}
