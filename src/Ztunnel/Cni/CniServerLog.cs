using Microsoft.Extensions.Logging;

namespace Ztunnel.Cni;

/// <summary>Log events of the CNI agent's stand-in, ids 7000-7099.</summary>
internal static partial class CniServerLog
{
    [LoggerMessage(7001, LogLevel.Information, "waiting for proxies\t{Path}")]
    public static partial void Listening(this ILogger<CniServer> logger, string path);

    [LoggerMessage(7002, LogLevel.Information, "proxy connected\t{Connection}")]
    public static partial void Connected(this ILogger<CniServer> logger, int connection);

    [LoggerMessage(7003, LogLevel.Information, "snapshot sent\t{Connection} {Pods}")]
    public static partial void SnapshotSent(this ILogger<CniServer> logger, int connection, int pods);

    [LoggerMessage(7004, LogLevel.Warning, "proxy refused a message of the snapshot\t{Connection} {Uid} {Error}")]
    public static partial void SnapshotRefused(
        this ILogger<CniServer> logger, int connection, string uid, string error);

    [LoggerMessage(7005, LogLevel.Information, "proxy has gone\t{Connection}")]
    public static partial void Disconnected(this ILogger<CniServer> logger, int connection);

    [LoggerMessage(7006, LogLevel.Warning, "connection of a proxy closed\t{Connection} {Error}")]
    public static partial void Closed(this ILogger<CniServer> logger, int connection, string error);

    [LoggerMessage(7007, LogLevel.Warning, "cannot accept a proxy, trying again\t{Error}")]
    public static partial void AcceptFailed(this ILogger<CniServer> logger, string error);
}
