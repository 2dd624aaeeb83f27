using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ztunnel.Admin;

/// <summary>Kestrel's sockets, with bind errors that say which address and why.</summary>
/// <param name="logger">For the listeners.</param>
internal sealed class AdminTransport(ILogger<AdminServers> logger) : IConnectionListenerFactory, IDisposable
{
    private const int Backlog = 512;

    // Few and small requests: no queues of its own beside the thread pool's.
    private readonly SocketConnectionContextFactory _connections = new(
        new SocketConnectionFactoryOptions { IOQueueCount = 0 }, NullLogger.Instance);

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        Socket? socket = null;
        try
        {
            socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            socket.Listen(Backlog);
            return new(new AdminListener(socket, _connections, logger));
        }
        catch (SocketException cause)
        {
            socket?.Dispose();
            throw new IOException(
                $"failed to bind to address {endpoint}: {cause.Message} (os error {cause.NativeErrorCode})", cause);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _connections.Dispose();
}
