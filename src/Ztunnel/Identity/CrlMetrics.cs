using Hbone;
using Ztunnel.Telemetry;

namespace Ztunnel.Identity;

/// <summary>
/// Metrics of revocation, there when <c>CRL_PATH</c> is set. The first two are Istio's; the others say whether what is in
/// force is what the file says.
/// </summary>
internal static class CrlMetrics
{
    /// <summary>Adds the families to a registry.</summary>
    public static void Add(MetricsRegistry registry, CrlReloader reloader) => registry.Add(
        new MetricFamily("istio_crl_policy_rejections",
            "The total number of connections rejected due to CRL certificate revocation (unstable).", "counter",
            () => ByReporter(reloader.Peers, counts => counts.Rejected)),
        new MetricFamily("istio_crl_untracked_connections",
            "The total number of connections not tracked for CRL enforcement (unstable).", "counter",
            () => ByReporter(reloader.Peers, counts => counts.Untracked)),
        new MetricFamily("istio_crl_load_failed",
            "Whether the CRL file is missing or unusable, so that lists read before, or none, are in force (unstable).",
            "gauge", () => [new MetricSample(reloader.HasFailed ? 1 : 0)]),
        new MetricFamily("istio_crl_lists", "The number of CRLs in force (unstable).", "gauge",
            () => [new MetricSample(reloader.Peers.Current.Count)]),
        new MetricFamily("istio_crl_reloads",
            "The total number of times that the CRL file was read and was not as before (unstable).", "counter",
            () => [Reloads(reloader.Succeeded, "success"), Reloads(reloader.Failed, "failure")]));

    private static MetricSample[] ByReporter(PeerRevocations peers, Func<PeerRevocationCounts, long> count) =>
    [
        Of(Reporter.Source, count(peers.Servers)),
        Of(Reporter.Destination, count(peers.Clients)),
    ];

    private static MetricSample Of(Reporter reporter, long value) =>
        new(value, text => text.Label("reporter"u8, reporter.ToLabel()));

    private static MetricSample Reloads(long value, string result) =>
        new(value, text => text.Label("result"u8, result));
}
