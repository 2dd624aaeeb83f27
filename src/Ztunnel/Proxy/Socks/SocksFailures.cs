using System.Net.Sockets;
using Hbone.Pool;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy.Socks;

/// <summary>What a client is told about a connection that could not be made.</summary>
internal static class SocksFailures
{
    /// <summary>By what lies behind it; a decision against the connection has nothing behind it.</summary>
    public static SocksReplyCode CodeOf(ProxyException failure)
    {
        for (var cause = failure.InnerException; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case TimeoutException or HboneConnectException { TimedOut: true }:
                    return SocksReplyCode.HostUnreachable;
                case SocketException e:
                    return CodeOf(e.SocketErrorCode);
                case HboneStatusException e:
                    return CodeOf(e.Status);
            }
        }

        return failure.InnerException is null ? SocksReplyCode.NotAllowed : SocksReplyCode.GeneralFailure;
    }

    private static SocksReplyCode CodeOf(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => SocksReplyCode.ConnectionRefused,
        SocketError.NetworkUnreachable or SocketError.NetworkDown => SocksReplyCode.NetworkUnreachable,
        SocketError.HostUnreachable or SocketError.HostDown or SocketError.TimedOut => SocksReplyCode.HostUnreachable,
        SocketError.AccessDenied => SocksReplyCode.NotAllowed,
        _ => SocksReplyCode.GeneralFailure,
    };

    // What the peer's proxy or a waypoint answers: who may not, and whom it does not reach.
    private static SocksReplyCode CodeOf(int status) => status switch
    {
        401 or 403 => SocksReplyCode.NotAllowed,
        404 or 502 or 503 or 504 => SocksReplyCode.HostUnreachable,
        _ => SocksReplyCode.GeneralFailure,
    };
}
