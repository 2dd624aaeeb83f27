using System.Net;
using Microsoft.Extensions.Logging;

namespace Ztunnel.Admin;

/// <summary>Log events of the administrative ports, ids 6000-6099.</summary>
internal static partial class AdminLog
{
    [LoggerMessage(6001, LogLevel.Information, "listener established\t{Address} {Component}")]
    public static partial void ListenerEstablished(
        this ILogger<AdminServers> logger, IPEndPoint address, string component);

    [LoggerMessage(6002, LogLevel.Error, "administrative request failed\t{Component} {Path}")]
    public static partial void RequestFailed(
        this ILogger<AdminServers> logger, string component, string? path, Exception exception);

    [LoggerMessage(6003, LogLevel.Information, "Task '{Task}' complete ({Elapsed}), still awaiting {Count} tasks")]
    public static partial void TaskComplete(
        this ILogger<ReadinessGate> logger, string task, string elapsed, int count);

    [LoggerMessage(6004, LogLevel.Information, "Task '{Task}' complete ({Elapsed}), marking server ready")]
    public static partial void LastTaskComplete(this ILogger<ReadinessGate> logger, string task, string elapsed);

    [LoggerMessage(6005, LogLevel.Warning, "cannot accept on {Address}, trying again: {Error}")]
    public static partial void AcceptFailed(this ILogger<AdminServers> logger, EndPoint address, string error);
}
