using System.Net;

namespace Ztunnel.Telemetry;

/// <summary>Where proxies report connections: one call per event, metrics and access log follow from it.</summary>
internal sealed class TelemetryHub(TrafficMetrics metrics, AccessLog log, TimeProvider time)
{
    /// <summary>Traffic metrics, for the gauge of accepted sockets.</summary>
    public TrafficMetrics Metrics { get; } = metrics;

    /// <summary>How often the access log tells of a connection that is still open; null for never.</summary>
    public TimeSpan? ProgressInterval { get; init; }

    /// <summary>A connection is decided on and about to be made. The caller closes the result.</summary>
    /// <param name="facts">What is known about it.</param>
    /// <param name="table">Where it is listed while it is open; null for nowhere.</param>
    /// <param name="startedAt">Timestamp that its duration counts from; null for now.</param>
    /// <param name="mayChange">
    /// Whether another destination may yet be tried: it is listed, and counted and logged when it is told that it is opened.
    /// </param>
    public ConnectionTelemetry Open(
        in ConnectionFacts facts, ConnectionTable? table = null, long? startedAt = null, bool mayChange = false) =>
        new(facts, Metrics, log, time, table, startedAt, mayChange, ProgressInterval);

    /// <summary>A connection was refused before its ends were known: it is logged and not counted.</summary>
    public void Refuse(Reporter reporter, IPEndPoint source, IPEndPoint destination, ProxyException error) =>
        log.Failed(reporter, source, destination, error.Message);
}
