using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Pool;
using Ztunnel.Mesh.Routing;

namespace Ztunnel.Proxy.Failover;

/// <summary>What a failed attempt to connect means for the connection and for the endpoint.</summary>
/// <param name="MayRetry">
/// Whether another endpoint may be tried: nobody has acted on the request, and an answer that was given stays the answer.
/// </param>
/// <param name="Counts">Whether it speaks against the endpoint, and not against us, our client or who is behind the endpoint.</param>
internal readonly record struct ConnectFault(bool MayRetry, bool Counts)
{
    /// <summary>Judges the exception of an attempt by this route; null for none that says anything.</summary>
    public static ConnectFault Of(Exception? cause, OutboundRoute route)
    {
        // Inside of a tunnel to a gateway it is the server who shakes hands and answers.
        var isPeers = route.Protocol != OutboundProtocol.DoubleHbone;
        var serves = route.Chosen is { Serves: true };
        return cause switch
        {
            HboneConnectException { InnerException: { } inner } => OfDial(inner),
            HboneTlsException or HboneProtocolException { IsUnprocessed: true } => new(MayRetry: true, Counts: isPeers),
            HboneProtocolException { InnerException: Http2ConnectionException } => new(MayRetry: false, Counts: isPeers),
            HboneProtocolException or HboneAnswerTimeoutException => new(MayRetry: false, Counts: serves),
            HboneStatusException { Status: 503 } => new(MayRetry: false, Counts: serves),
            HboneException => default,
            { } dial => OfDial(dial),
            null => default,
        };
    }

    // What the network says of the destination, and not what our own machine says of us, such as too many open files.
    private static ConnectFault OfDial(Exception failure)
    {
        var isDestinations = failure is TimeoutException
            || (failure is SocketException { SocketErrorCode: var error } && IsDestinations(error));
        return new(isDestinations, isDestinations);
    }

    private static bool IsDestinations(SocketError error) =>
        error is SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.TimedOut
            or SocketError.HostUnreachable or SocketError.HostDown or SocketError.NetworkUnreachable;
}
