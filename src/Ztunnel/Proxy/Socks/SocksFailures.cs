using System.Net.Sockets;
using Hbone.Pool;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy.Socks;

/// <summary>What a client is told about a connection that could not be made.</summary>
internal static class SocksFailures
{
    /// <summary>By what lies behind it; a decision against the connection has nothing behind it.</summary>
    /// <remarks>A connect out of time is an expired TTL, which clients give to their applications as <c>ETIMEDOUT</c>.</remarks>
    public static SocksReplyCode CodeOf(ProxyException failure)
    {
        for (var cause = failure.InnerException; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case TimeoutException or HboneConnectException { TimedOut: true }:
                    return SocksReplyCode.TtlExpired;
                case SocketException e:
                    return CodeOf(e.SocketErrorCode);
                case HboneStatusException e:
                    return CodeOf(e.Status);
            }
        }

        return failure.InnerException is null ? SocksReplyCode.NotAllowed : SocksReplyCode.GeneralFailure;
    }

    /// <summary>
    /// Which of the failures of a name's addresses says most: that we cannot get to one at all says the least about the name,
    /// and comes from every address of a family that the pod has not.
    /// </summary>
    public static ProxyException? Foremost(ProxyException? before, ProxyException? next) =>
        before is null || CodeOf(before) == SocksReplyCode.NetworkUnreachable ? next : before;

    private static SocksReplyCode CodeOf(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => SocksReplyCode.ConnectionRefused,
        SocketError.NetworkUnreachable or SocketError.NetworkDown => SocksReplyCode.NetworkUnreachable,
        SocketError.HostUnreachable or SocketError.HostDown => SocksReplyCode.HostUnreachable,
        SocketError.HostNotFound or SocketError.NoData => SocksReplyCode.HostUnreachable,
        SocketError.TimedOut => SocksReplyCode.TtlExpired,
        SocketError.AccessDenied => SocksReplyCode.NotAllowed,
        _ => SocksReplyCode.GeneralFailure,
    };

    // What the peer's proxy or a waypoint answers: who may not, and whom it does not reach.
    private static SocksReplyCode CodeOf(int status) => status switch
    {
        401 or 403 => SocksReplyCode.NotAllowed,
        404 or 502 or 503 => SocksReplyCode.HostUnreachable,
        504 => SocksReplyCode.TtlExpired,
        _ => SocksReplyCode.GeneralFailure,
    };
}
