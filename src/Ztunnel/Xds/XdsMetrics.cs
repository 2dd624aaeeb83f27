using System.Collections.Concurrent;
using Ztunnel.Telemetry;

namespace Ztunnel.Xds;

/// <summary>Istio's metrics of the xDS client.</summary>
internal sealed class XdsMetrics
{
    private readonly ConcurrentDictionary<string, long> _terminations = [];
    private readonly ConcurrentDictionary<string, long> _messages = [];
    private readonly ConcurrentDictionary<string, long> _bytes = [];

    /// <summary>Adds the families to a registry.</summary>
    public XdsMetrics(MetricsRegistry registry) => registry.Add(
        new MetricFamily("istio_xds_connection_terminations",
            "The total number of completed connections to xds server (unstable).", "counter",
            () => Samples(_terminations, "reason")),
        new MetricFamily("istio_xds_message", "Total number of messages received (unstable).", "counter",
            () => Samples(_messages, "url")),
        new MetricFamily("istio_xds_message_bytes", "Total number of bytes received (unstable).", "counter",
            () => Samples(_bytes, "url"))
        {
            Unit = "bytes",
        });

    /// <summary>A stream, or the attempt at one, is over.</summary>
    public void Terminated(StreamEnd end) => Add(_terminations, end.ToString(), 1);

    /// <summary>A response arrived.</summary>
    /// <param name="typeUrl">Its type. A type that is not ours counts as unknown: a server can say anything.</param>
    /// <param name="payloadBytes">Size of its resources.</param>
    public void Received(string typeUrl, long payloadBytes)
    {
        var url = typeUrl is TypeUrls.Address or TypeUrls.Authorization ? typeUrl : "";
        Add(_messages, url, 1);
        Add(_bytes, url, payloadBytes);
    }

    private static void Add(ConcurrentDictionary<string, long> counters, string label, long value) =>
        counters.AddOrUpdate(label, value, (_, current) => current + value);

    private static IEnumerable<MetricSample> Samples(ConcurrentDictionary<string, long> counters, string label) =>
        counters.Select(counter => new MetricSample(
            counter.Value, text => text.Label(System.Text.Encoding.UTF8.GetBytes(label), counter.Key)));
}
