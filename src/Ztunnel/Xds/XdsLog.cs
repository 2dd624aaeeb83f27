using Microsoft.Extensions.Logging;

namespace Ztunnel.Xds;

/// <summary>Log events of the control plane's stream, ids 5000-5099. A state is logged once, when it begins.</summary>
internal static partial class XdsLog
{
    [LoggerMessage(5001, LogLevel.Information, "connected to {Address}")]
    public static partial void Connected(this ILogger logger, string address);

    [LoggerMessage(5002, LogLevel.Warning, "no stream to {Address}, will retry: {Reason}")]
    public static partial void Disconnected(this ILogger logger, string address, string reason);

    [LoggerMessage(5003, LogLevel.Debug, "no stream to {Address} still: {Reason}; next attempt in {Wait}")]
    public static partial void StillDisconnected(this ILogger logger, string address, string reason, TimeSpan wait);

    [LoggerMessage(5004, LogLevel.Debug, "stream ended ({End}), next in {Wait}")]
    public static partial void StreamEnded(this ILogger logger, StreamEnd end, TimeSpan wait);

    [LoggerMessage(5005, LogLevel.Warning, "rejected resources of {TypeUrl}: {Reasons}")]
    public static partial void Rejected(this ILogger logger, string typeUrl, string reasons);

    [LoggerMessage(5006, LogLevel.Warning, "response of unknown type {TypeUrl} ignored")]
    public static partial void UnknownType(this ILogger logger, string typeUrl);

    [LoggerMessage(5007, LogLevel.Debug, "received {Resources} resources and {Removed} removals of {TypeUrl}")]
    public static partial void Received(this ILogger logger, int resources, int removed, string typeUrl);

    [LoggerMessage(5008, LogLevel.Information,
        "names and versions of {TypeUrl} need {Size} bytes, more than the server reads: asking for all of it instead")]
    public static partial void AskingForAll(this ILogger logger, string typeUrl, long size);

    [LoggerMessage(5009, LogLevel.Information, "every type received: the mesh is known")]
    public static partial void Synchronized(this ILogger logger);
}
