namespace Ztunnel.Telemetry;

/// <summary>Metrics of .NET: what the garbage collector holds and how long it stopped everything, and the thread pool.</summary>
internal static class RuntimeMetrics
{
    private const int Generations = 3;

    private static readonly string[] HeapParts = ["0", "1", "2", "large", "pinned"];

    /// <summary>Adds the families to a registry.</summary>
    public static void Add(MetricsRegistry registry) => registry.Add(
        new MetricFamily(
            "ztunnel_gc_pause_seconds",
            "The time in which garbage collection stopped all threads (unstable).",
            "counter",
            () => [new MetricSample(0) { Fraction = GC.GetTotalPauseDuration().TotalSeconds }])
        {
            Unit = "seconds",
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
        },
        new MetricFamily(
            "ztunnel_gc_generation_bytes",
            "What each part of the managed heap held after the last collection (unstable).",
            "gauge",
            GenerationSamples)
        {
            Unit = "bytes",
        },
        new MetricFamily(
            "ztunnel_gc_committed_bytes",
            "The memory that the managed heap had from the system after the last collection (unstable).",
            "gauge",
            () => [new MetricSample(GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes)])
        {
            Unit = "bytes",
        },
        new MetricFamily(
            "ztunnel_gc_allocated_bytes",
            "The memory of all managed objects ever made, counted in whole allocation blocks (unstable).",
            "counter",
            () => [new MetricSample(GC.GetTotalAllocatedBytes(precise: false))])
        {
            Unit = "bytes",
        },
        new MetricFamily(
            "ztunnel_thread_pool_threads",
            "Threads of the pool now (unstable).",
            "gauge",
            () => [new MetricSample(ThreadPool.ThreadCount)]),
        new MetricFamily(
            "ztunnel_thread_pool_queued_items",
            "Work that waits for a thread of the pool now (unstable).",
            "gauge",
            () => [new MetricSample(ThreadPool.PendingWorkItemCount)]),
        new MetricFamily(
            "ztunnel_thread_pool_completed_items",
            "Work that threads of the pool have done (unstable).",
            "counter",
            () => [new MetricSample(ThreadPool.CompletedWorkItemCount)]));

    /// <summary>Adds how many log lines were lost.</summary>
    public static void Add(MetricsRegistry registry, LogSink log) => registry.Add(new MetricFamily(
        "ztunnel_log_dropped_lines",
        "Log lines lost because standard output was slow, full or closed (unstable).",
        "counter",
        () => [new MetricSample(log.Dropped)]));

    private static List<MetricSample> GenerationSamples()
    {
        var generations = GC.GetGCMemoryInfo(GCKind.Any).GenerationInfo;
        var samples = new List<MetricSample>(generations.Length);
        for (var i = 0; i < Math.Min(generations.Length, HeapParts.Length); i++)
        {
            var part = HeapParts[i];
            samples.Add(new MetricSample(generations[i].SizeAfterBytes, text => text.Label("generation"u8, part)));
        }

        return samples;
    }
}
