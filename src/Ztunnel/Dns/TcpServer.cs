using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Ztunnel.Proxy;

namespace Ztunnel.Dns;

/// <summary>Answers what comes over the pod's TCP connections.</summary>
internal sealed class TcpServer(
    DnsResponder responder, DnsLimits limits, TimeProvider time, ILogger logger, ActiveConnections active)
{
    /// <summary>Takes over an accepted connection.</summary>
    public void Serve(Socket socket, CancellationToken drained, CancellationToken forced)
    {
        if (active.Count >= limits.Connections)
        {
            if (logger.IsEnabled(LogLevel.Debug))
            {
                logger.TooManyConnections($"{socket.RemoteEndPoint}", limits.Connections);
            }

            socket.Dispose();
            return;
        }

        active.Run(() => ServeAsync(socket, drained, forced));
    }

    private async Task ServeAsync(Socket socket, CancellationToken drained, CancellationToken forced)
    {
        using var connection = new TcpConnection(socket, responder, limits, time);
        await connection.RunAsync(drained, forced);
    }
}
