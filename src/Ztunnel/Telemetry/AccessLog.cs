using System.Net;
using Microsoft.Extensions.Logging;

namespace Ztunnel.Telemetry;

/// <summary>
/// The access log, a contract with log readers such as Kiali: its messages, and its keys in their order. What is
/// unknown is left out. Lines cost nothing while their level is off.
/// </summary>
internal sealed class AccessLog(LogSink sink)
{
    private readonly TargetLogger _logger = sink.For("access");

    /// <summary>A connection has been decided on and is about to be made. Debug.</summary>
    public void Opened(in ConnectionFacts facts)
    {
        if (!_logger.IsEnabled(LogLevel.Debug))
        {
            return;
        }

        var line = _logger.Begin(LogLevel.Debug, "connection opened");
        AddFacts(line, facts);
        _logger.Commit(line);
    }

    /// <summary>A connection is over: information, or an error when it failed.</summary>
    /// <param name="facts">As given to <see cref="Opened"/>.</param>
    /// <param name="received">Bytes from downstream to upstream.</param>
    /// <param name="sent">Bytes from upstream to downstream.</param>
    /// <param name="duration">Since it was opened.</param>
    /// <param name="error">Why it failed; null when it did not.</param>
    public void Completed(in ConnectionFacts facts, long received, long sent, TimeSpan duration, string? error)
    {
        var level = error is null ? LogLevel.Information : LogLevel.Error;
        if (!_logger.IsEnabled(level))
        {
            return;
        }

        var line = _logger.Begin(level, "connection complete");
        AddFacts(line, facts);
        AddAmounts(line, facts.Reporter, received, sent, duration);
        AddKnown(line, "error", error);
        _logger.Commit(line);
    }

    /// <summary>A connection is still open. Information; our own line, with the keys of the others.</summary>
    /// <param name="facts">As given to <see cref="Opened"/>.</param>
    /// <param name="received">Bytes from downstream to upstream so far.</param>
    /// <param name="sent">Bytes from upstream to downstream so far.</param>
    /// <param name="duration">Since it was opened.</param>
    public void Progressed(in ConnectionFacts facts, long received, long sent, TimeSpan duration)
    {
        if (!_logger.IsEnabled(LogLevel.Information))
        {
            return;
        }

        var line = _logger.Begin(LogLevel.Information, "connection in progress");
        AddFacts(line, facts);
        AddAmounts(line, facts.Reporter, received, sent, duration);
        _logger.Commit(line);
    }

    /// <summary>A connection was refused before anything was known about it. Warning.</summary>
    public void Failed(Reporter reporter, IPEndPoint source, IPEndPoint destination, string error)
    {
        if (!_logger.IsEnabled(LogLevel.Warning))
        {
            return;
        }

        var line = _logger.Begin(LogLevel.Warning, "connection failed");
        line.AddAddress("src.addr", source);
        line.AddAddress("dst.addr", destination);
        line.AddText("direction", reporter.ToDirection());
        line.AddText("error", error);
        _logger.Commit(line);
    }

    private static void AddFacts(LogLine line, in ConnectionFacts facts)
    {
        var source = EndLabels.OfSource(facts);
        line.AddAddress("src.addr", facts.SourceAddress);
        AddKnown(line, "src.workload", facts.Source is { Name: not "" } pod ? pod.Name : source.CanonicalService);
        AddKnown(line, "src.namespace", source.Namespace);
        AddKnown(line, "src.identity", facts.MutualTls ? facts.SourceIdentity?.ToString() : null);
        AddKnown(line, "src.cluster", source.Cluster);

        var destination = EndLabels.OfDestination(facts);
        line.AddAddress("dst.addr", facts.DestinationAddress);
        if (facts.HboneTarget is { } target)
        {
            line.AddBare("dst.hbone_addr", target);
        }

        AddKnown(line, "dst.service", facts.DestinationService?.Hostname);
        AddKnown(line, "dst.workload",
            facts.Destination is { Name: not "" } server ? server.Name : destination.CanonicalService);
        AddKnown(line, "dst.namespace", destination.Namespace);
        AddKnown(line, "dst.identity",
            facts.MutualTls ? (facts.DestinationIdentity ?? facts.Destination?.Identity)?.ToString() : null);
        AddKnown(line, "dst.cluster", destination.Cluster);
        line.AddText("direction", facts.Reporter.ToDirection());
    }

    // Metrics have one meaning at both ends, the log takes the view of the pod beside the reporting proxy.
    private static void AddAmounts(LogLine line, Reporter reporter, long received, long sent, TimeSpan duration)
    {
        var (bytesSent, bytesReceived) = reporter == Reporter.Source ? (received, sent) : (sent, received);
        line.AddNumber("bytes_sent", bytesSent);
        line.AddNumber("bytes_recv", bytesReceived);
        line.AddText("duration", $"{(long)duration.TotalMilliseconds}ms");
    }

    private static void AddKnown(LogLine line, string key, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            line.AddText(key, value);
        }
    }
}
