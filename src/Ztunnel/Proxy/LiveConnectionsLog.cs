using System.Net;
using Microsoft.Extensions.Logging;

namespace Ztunnel.Proxy;

/// <summary>Log events of live connections, ids 2100-2199.</summary>
internal static partial class LiveConnectionsLog
{
    [LoggerMessage(2100, LogLevel.Information,
        "connection {Source}({Identity})->{Destination} ({Workload}) closed because it's no longer allowed after a policy update")]
    public static partial void NoLongerAllowed(
        this ILogger logger, IPEndPoint source, string identity, IPEndPoint destination, string workload);
}
