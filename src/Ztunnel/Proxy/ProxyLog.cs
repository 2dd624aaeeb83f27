using System.Net;
using Hbone.Http2;
using Hbone.Tls;
using Microsoft.Extensions.Logging;
using Ztunnel.Mesh;

namespace Ztunnel.Proxy;

/// <summary>Log events of listeners and connections, ids 2000-2099. What a connection did is in the access log.</summary>
internal static partial class ProxyLog
{
    [LoggerMessage(2000, LogLevel.Information, "listener established\t{Address} {Component} {Transparent}")]
    public static partial void ListenerEstablished(
        this ILogger logger, IPEndPoint address, string component, bool transparent);

    [LoggerMessage(2001, LogLevel.Warning, "{Problem}")]
    public static partial void SocketOptionMissing(this ILogger logger, string problem);

    [LoggerMessage(2002, LogLevel.Warning, "cannot accept on {Address}, trying again: {Error}")]
    public static partial void AcceptFailed(this ILogger logger, IPEndPoint address, string error);

    [LoggerMessage(2003, LogLevel.Information, "listener drained\t{Component}")]
    public static partial void ListenerDrained(this ILogger logger, string component);

    [LoggerMessage(2004, LogLevel.Error, "a connection ended by a bug of this program")]
    public static partial void ConnectionFailedUnexpectedly(this ILogger logger, Exception exception);

    [LoggerMessage(2005, LogLevel.Warning, "failed to read original destination: {Failure}")]
    public static partial void OriginalDestinationUnknown(this ILogger logger, string failure);

    [LoggerMessage(2007, LogLevel.Warning,
        "hbone connection of {Peer} ({Identity}) closed with {Code}: {Reason}")]
    public static partial void PeerMisbehaved(
        this ILogger logger, IPEndPoint peer, SpiffeId? identity, Http2ErrorCode code, string reason);

    [LoggerMessage(2008, LogLevel.Warning,
        "hbone connection of {Peer} reset: it has {Limit} handshakes under way (HBONE_MAX_HANDSHAKES_PER_PEER)")]
    public static partial void TooManyHandshakes(this ILogger logger, IPEndPoint peer, int limit);

    [LoggerMessage(2009, LogLevel.Warning,
        "hbone connection of {Peer} ({Identity}) closed: it has {Limit} already (HBONE_MAX_CONNECTIONS_PER_PEER)")]
    public static partial void TooManyConnections(this ILogger logger, IPEndPoint peer, SpiffeId? identity, int limit);

    [LoggerMessage(2010, LogLevel.Warning, "hbone connection to {Identity} closed with {Code}: {Reason}")]
    public static partial void ServerMisbehaved(
        this ILogger logger, SpiffeId? identity, Http2ErrorCode code, string reason);

    [LoggerMessage(2011, LogLevel.Warning, "{Component} connection of pod {Pod} refused: {Reason}")]
    public static partial void ConnectionRefused(
        this ILogger logger, string component, WorkloadInfo pod, string reason);

    [LoggerMessage(2012, LogLevel.Debug, "failed to negotiate socks connection: {Reason}\t{Client}")]
    public static partial void SocksFailed(this ILogger logger, IPEndPoint client, string reason);

    [LoggerMessage(2013, LogLevel.Warning, "plain TCP is copied instead of spliced: {Reason}")]
    public static partial void CopiedInsteadOfSpliced(this ILogger logger, string reason);

    [LoggerMessage(2006, LogLevel.Debug, "hbone connection from {Peer} ended: {Reason}")]
    public static partial void TunnelEnded(this ILogger logger, IPEndPoint peer, string reason);
}
