using System.Net;
using Microsoft.Extensions.Logging;
using Ztunnel.Mesh;

namespace Ztunnel.Proxy.Failover;

/// <summary>Log events of attempts and ejections, ids 2200-2209.</summary>
internal static partial class FailoverLog
{
    [LoggerMessage(2200, LogLevel.Information,
        "endpoint ejected by pod {Pod} for {Period} ms after {Failures} failures in a row, the last: {Reason}\t{Workload} {Address}")]
    public static partial void EndpointEjected(
        this ILogger logger, WorkloadInfo pod, long period, int failures, string reason, string workload, IPEndPoint address);

    [LoggerMessage(2201, LogLevel.Information, "endpoint used again by pod {Pod}: {Reason}\t{Workload} {Address}")]
    public static partial void EndpointReturned(
        this ILogger logger, WorkloadInfo pod, string reason, string workload, IPEndPoint address);

    [LoggerMessage(2202, LogLevel.Debug, "cannot connect to {Failed}, trying {Next}: {Reason}\t{Client}")]
    public static partial void TryingAnother(
        this ILogger logger, IPEndPoint failed, IPEndPoint next, string reason, IPEndPoint client);
}
