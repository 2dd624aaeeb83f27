using Microsoft.Extensions.Logging;

namespace Ztunnel.State;

/// <summary>Log events of the snapshot in <c>STATE_DIR</c>, ids 7000-7099. A state is logged once, when it begins.</summary>
internal static partial class StateLog
{
    [LoggerMessage(7000, LogLevel.Information,
        "snapshot {Path} loaded: confirmed at {ConfirmedAt}, {Age} ago, {Addresses} workloads and services, {Policies} policies")]
    public static partial void Loaded(
        this ILogger logger, string path, string confirmedAt, TimeSpan age, int addresses, int policies);

    [LoggerMessage(7001, LogLevel.Information, "no snapshot {Path}: nothing is served before the control plane answers")]
    public static partial void Missing(this ILogger logger, string path);

    [LoggerMessage(7002, LogLevel.Error,
        "snapshot is not used, nothing is served before the control plane answers: {Reason}")]
    public static partial void Refused(this ILogger logger, string reason);

    [LoggerMessage(7003, LogLevel.Warning,
        "no answer of the control plane in {Wait}: serving from the snapshot confirmed at {ConfirmedAt}")]
    public static partial void ServingFromSnapshot(this ILogger logger, TimeSpan wait, string confirmedAt);

    [LoggerMessage(7004, LogLevel.Information, "the control plane has answered: the snapshot is no longer served from")]
    public static partial void Replaced(this ILogger logger);

    [LoggerMessage(7005, LogLevel.Warning, "snapshot not written, will retry in {Interval}: {Reason}")]
    public static partial void NotWritten(this ILogger logger, string reason, TimeSpan interval);

    [LoggerMessage(7006, LogLevel.Information, "snapshot {Path} is written again")]
    public static partial void WritingAgain(this ILogger logger, string path);

    [LoggerMessage(7007, LogLevel.Warning, "the last write of snapshot {Path} has not ended in {Limit} and is left behind")]
    public static partial void LeftBehind(this ILogger logger, string path, TimeSpan limit);
}
