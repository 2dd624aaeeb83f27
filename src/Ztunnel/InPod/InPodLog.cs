using Microsoft.Extensions.Logging;
using Ztunnel.Mesh;

namespace Ztunnel.InPod;

/// <summary>Log events of istio-cni and of pods that come and go, ids 2100-2199.</summary>
internal static partial class InPodLog
{
    [LoggerMessage(2100, LogLevel.Warning,
        "cannot connect to {Path}, trying again until it works: {Error}; is the Istio CNI daemon running on this node?")]
    public static partial void NoAgent(this ILogger logger, string path, string error);

    [LoggerMessage(2101, LogLevel.Information, "connected to the Istio CNI daemon at {Path}")]
    public static partial void AgentConnected(this ILogger logger, string path);

    [LoggerMessage(2102, LogLevel.Information, "connection to the Istio CNI daemon ended, trying again in {Delay}: {Reason}")]
    public static partial void AgentGone(this ILogger logger, TimeSpan delay, string reason);

    [LoggerMessage(2103, LogLevel.Warning, "request of the Istio CNI daemon refused: {Reason}")]
    public static partial void RequestRefused(this ILogger logger, string reason);

    [LoggerMessage(2104, LogLevel.Warning, "cannot serve pod {Uid} {Info} yet: {Error}")]
    public static partial void PodNotStarted(this ILogger logger, string uid, WorkloadInfo info, string error);

    [LoggerMessage(2105, LogLevel.Information, "pod {Uid} has a new network namespace")]
    public static partial void PodMoved(this ILogger logger, string uid);

    [LoggerMessage(2106, LogLevel.Warning, "pod {Uid} is served no more: pod {NewUid} has the same network namespace")]
    public static partial void NamespaceTakenOver(this ILogger logger, string uid, string newUid);

    [LoggerMessage(2107, LogLevel.Information, "pod {Uid} is not in the snapshot of the Istio CNI daemon and served no more")]
    public static partial void PodNotInSnapshot(this ILogger logger, string uid);

    [LoggerMessage(2108, LogLevel.Debug, "pod {Uid} deleted that is not known")]
    public static partial void UnknownPodDeleted(this ILogger logger, string uid);

    [LoggerMessage(2109, LogLevel.Error, "a pod could not be stopped because of a bug of this program")]
    public static partial void PodStoppedUnexpectedly(this ILogger logger, Exception exception);

    [LoggerMessage(2110, LogLevel.Warning, "network of pod {Uid} {Info} has gone; it is served no more")]
    public static partial void PodVanished(this ILogger logger, string uid, WorkloadInfo info);

    [LoggerMessage(2111, LogLevel.Error, "the connection to the Istio CNI daemon failed by a bug of this program")]
    public static partial void ClientFailedUnexpectedly(this ILogger logger, Exception exception);

    [LoggerMessage(2112, LogLevel.Warning, "cannot serve pod {Uid}: {Reason}")]
    public static partial void PodWithoutNetns(this ILogger logger, string uid, string reason);

    [LoggerMessage(2113, LogLevel.Debug, "still cannot connect to {Path}, trying again in {Delay}: {Error}")]
    public static partial void StillNoAgent(this ILogger logger, string path, TimeSpan delay, string error);
}
