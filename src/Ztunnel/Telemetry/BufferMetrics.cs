using Hbone.Memory;

namespace Ztunnel.Telemetry;

/// <summary>
/// Payload in memory beside what may be: of the process, label <c>scope="process"</c>, and of each pod,
/// <c>scope="pod"</c> and <c>pod="namespace/name"</c>.
/// </summary>
internal sealed class BufferMetrics
{
    private readonly Lock _gate = new();
    private (string? Pod, MemoryBudget Budget)[] _budgets;

    /// <summary>Adds the families to a registry.</summary>
    /// <param name="registry">Where to.</param>
    /// <param name="process">What all pods count against.</param>
    public BufferMetrics(MetricsRegistry registry, MemoryBudget process)
    {
        _budgets = [(null, process)];
        registry.Add(
            new MetricFamily(
                "ztunnel_buffered_bytes",
                "Payload bytes in buffers of connections now (unstable).",
                "gauge",
                () => Samples(budget => budget.Used))
            {
                Unit = "bytes",
            },
            new MetricFamily(
                "ztunnel_buffer_limit_bytes",
                "Payload bytes that buffers of connections may take (unstable).",
                "gauge",
                () => Samples(budget => budget.Limit))
            {
                Unit = "bytes",
            },
            new MetricFamily(
                "ztunnel_buffer_shed_streams",
                "Streams ended because payload that nobody read had used up the memory (unstable).",
                "counter",
                () => Samples(budget => budget.Shed)));
    }

    /// <summary>Shows a pod's budget from now on.</summary>
    public void Add(string pod, MemoryBudget budget)
    {
        lock (_gate)
        {
            _budgets = [.. _budgets, (pod, budget)];
        }
    }

    /// <summary>Shows it no more.</summary>
    public void Remove(MemoryBudget budget)
    {
        lock (_gate)
        {
            _budgets = [.. _budgets.Where(entry => entry.Budget != budget)];
        }
    }

    private IEnumerable<MetricSample> Samples(Func<MemoryBudget, long> value) => Volatile.Read(ref _budgets)
        .Select(entry => new MetricSample(value(entry.Budget), text => WriteLabels(text, entry.Pod)));

    private static void WriteLabels(MetricsText text, string? pod)
    {
        text.Label("scope"u8, pod is null ? "process" : "pod");
        if (pod is not null)
        {
            text.Label("pod"u8, pod);
        }
    }
}
