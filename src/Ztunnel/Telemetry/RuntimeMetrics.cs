namespace Ztunnel.Telemetry;

/// <summary>Metrics of the garbage collector: what it holds, and for how long it stopped everything.</summary>
internal static class RuntimeMetrics
{
    private const int Generations = 3;

    /// <summary>Adds the families to a registry.</summary>
    public static void Add(MetricsRegistry registry) => registry.Add(
        new MetricFamily(
            "ztunnel_gc_pause_microseconds",
            "The time in which garbage collection stopped all threads (unstable).",
            "counter",
            () => [new MetricSample(GC.GetTotalPauseDuration().Ticks / TimeSpan.TicksPerMicrosecond)])
        {
            Unit = "microseconds",
        },
        new MetricFamily(
            "ztunnel_gc_collections",
            "The number of garbage collections of each generation (unstable).",
            "counter",
            () => Enumerable.Range(0, Generations).Select(generation => new MetricSample(
                GC.CollectionCount(generation), text => text.Label("generation"u8, $"{generation}")))),
        new MetricFamily(
            "ztunnel_gc_heap_bytes",
            "The memory of managed objects, garbage included (unstable).",
            "gauge",
            () => [new MetricSample(GC.GetTotalMemory(forceFullCollection: false))])
        {
            Unit = "bytes",
        });
}
