using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>What every accepted connection goes through first.</summary>
internal static class Accepted
{
    /// <summary>Who connected, IPv4-mapped addresses unmapped; null when it has already gone.</summary>
    public static IPEndPoint? PeerOf(Socket socket)
    {
        try
        {
            return (socket.RemoteEndPoint as IPEndPoint)?.Unmapped();
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>Where the peer dialled before it was redirected to us.</summary>
    public static IPEndPoint OriginalDestinationOf(Socket socket, ILogger logger)
    {
        if (!OriginalDestination.TryRead(socket, out var destination, out var failure) && failure is not null)
        {
            logger.OriginalDestinationUnknown(failure);
        }

        return destination;
    }

    /// <summary>How a connection ends that outlived the drain.</summary>
    public static ProxyException Drained() =>
        new(ConnectionFailure.None, "connection closed due to connection drain");
}
