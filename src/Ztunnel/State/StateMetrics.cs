using Ztunnel.Telemetry;

namespace Ztunnel.State;

/// <summary>Metrics of the snapshot, there when <c>STATE_DIR</c> is set.</summary>
internal static class StateMetrics
{
    /// <summary>Adds the families to a registry.</summary>
    /// <param name="registry">Where to.</param>
    /// <param name="state">What they are of.</param>
    /// <param name="time">Age of the snapshot.</param>
    public static void Add(MetricsRegistry registry, LastKnownState state, TimeProvider time) => registry.Add(
        new MetricFamily("ztunnel_state_from_snapshot",
            "Whether the mesh is that of the snapshot, because the control plane has not answered since the start "
            + "(unstable).",
            "gauge", () => [new MetricSample(state.IsFromSnapshot ? 1 : 0)]),
        new MetricFamily("ztunnel_state_snapshot_age_seconds",
            "How long ago the control plane stood behind the snapshot on the disk (unstable).", "gauge",
            () => state.StoredAt is { } at
                ? [new MetricSample((long)Math.Max(0, (time.GetUtcNow() - at).TotalSeconds))]
                : [])
        {
            Unit = "seconds",
        },
        new MetricFamily("ztunnel_state_snapshot_writes",
            "The total number of times that the snapshot was written, or should have been (unstable).", "counter",
            () => [Of(state.Written, "success"), Of(state.Failed, "failure")]));

    private static MetricSample Of(long value, string result) =>
        new(value, text => text.Label("result"u8, result));
}
