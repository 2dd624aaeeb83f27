using Hbone.Proxying.Splicing;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>The pipes that plain TCP passes through: how many there may be, how many there are, and what they moved.</summary>
internal static class SpliceMetrics
{
    // Two descriptors for each pipe, so a sixteenth of all. Only connections with slow readers keep a pipe; beyond this
    // number they are copied.
    private const ulong LimitPerPipe = 32;
    private const ulong Most = 4096;

    /// <summary>How many pipes fit beside everything else that the process needs descriptors for. At least one.</summary>
    public static int MostPipes(ulong descriptorLimit) => (int)Math.Clamp(descriptorLimit / LimitPerPipe, 1, Most);

    /// <summary>Adds the families to a registry.</summary>
    public static void Add(MetricsRegistry registry, PipePool pipes) => registry.Add(
        new MetricFamily(
            "ztunnel_splice_pipes",
            "Pipes of plain TCP connections now, two descriptors each (unstable).",
            "gauge",
            () => [new MetricSample(pipes.Count)]),
        new MetricFamily(
            "ztunnel_spliced_bytes",
            "Payload bytes of plain TCP connections that did not enter the process (unstable).",
            "counter",
            () => [new MetricSample(pipes.Moved)])
        {
            Unit = "bytes",
        });
}
