using Hbone.Memory;

using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>
/// What each pod takes beside what it may: payload in memory, label <c>scope="pod"</c> and <c>pod="namespace/name"</c> (and of
/// the process, <c>scope="process"</c>), connections, and connections refused.
/// </summary>
internal sealed class PodMetrics
{
    private readonly Lock _gate = new();
    private readonly MemoryBudget _process;
    private Entry[] _pods = [];

    /// <summary>Adds the families to a registry.</summary>
    /// <param name="registry">Where to.</param>
    /// <param name="process">What all pods count against.</param>
    public PodMetrics(MetricsRegistry registry, MemoryBudget process)
    {
        _process = process;
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
                () => Samples(budget => budget.Shed)),
            new MetricFamily(
                "ztunnel_pod_connections",
                "Connections and inbound tunnels of each pod now (unstable).",
                "gauge",
                () => PodSamples(pod => pod.Active.Count)),
            new MetricFamily(
                "ztunnel_pod_refused_connections",
                "Connections and inbound tunnels refused because the pod had its part (unstable).",
                "counter",
                () => PodSamples(pod => pod.Admission.Refused)));
    }

    /// <summary>Shows a pod from now on.</summary>
    public void Add(LocalPod pod, ActiveConnections active, PodAdmission admission)
    {
        lock (_gate)
        {
            _pods = [.. _pods, new Entry(pod, active, admission)];
        }
    }

    /// <summary>Shows it no more.</summary>
    public void Remove(LocalPod pod)
    {
        lock (_gate)
        {
            _pods = [.. _pods.Where(entry => entry.Pod != pod)];
        }
    }

    private IEnumerable<MetricSample> Samples(Func<MemoryBudget, long> value) =>
        PodSamples(entry => value(entry.Pod.Memory), scoped: true)
            .Prepend(new MetricSample(value(_process), static text => text.Label("scope"u8, "process")));

    private IEnumerable<MetricSample> PodSamples(Func<Entry, long> value, bool scoped = false) => Volatile.Read(ref _pods)
        .Select(entry => new MetricSample(value(entry), text => WriteLabels(text, entry.Pod, scoped)));

    private static void WriteLabels(MetricsText text, LocalPod pod, bool scoped)
    {
        if (scoped)
        {
            text.Label("scope"u8, "pod");
        }

        text.Label("enrolled_pod"u8, $"{pod.Info.Namespace}/{pod.Info.Name}");
    }

    private sealed record Entry(LocalPod Pod, ActiveConnections Active, PodAdmission Admission);
}
