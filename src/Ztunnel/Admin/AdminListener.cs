using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Redirection;

namespace Ztunnel.Admin;

/// <summary>
/// Accepts for Kestrel, as its own listener does, but waits when the process is out of descriptors: Kestrel's tries again at once
/// and keeps a processor busy until one is free.
/// </summary>
/// <param name="socket">Listening; owned.</param>
/// <param name="connections">Makes Kestrel's connections of sockets; not owned.</param>
/// <param name="logger">Told of the first failure of a row.</param>
internal sealed class AdminListener(
    Socket socket, SocketConnectionContextFactory connections, ILogger<AdminServers> logger) : IConnectionListener
{
    private readonly CancellationTokenSource _stop = new();
    private readonly ListenerDelay _delay = new(); // Kestrel has one call of AcceptAsync running at most

    /// <inheritdoc/>
    public EndPoint EndPoint { get; } = socket.LocalEndPoint!;

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        var unbound = _stop.Token;
        while (true)
        {
            try
            {
                var accepted = await socket.AcceptAsync(unbound);
                _delay.Reset();
                accepted.NoDelay = true;
                return connections.Create(accepted);
            }
            catch (SocketException e) when (!unbound.IsCancellationRequested)
            {
                // Out of descriptors or memory: the kernel keeps the connection queued, and a short wait may help.
                if (_delay.IsFirst)
                {
                    logger.AcceptFailed(EndPoint, OsError.Describe(e));
                }
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                return null;
            }

            await Task.Delay(_delay.Next(), unbound).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <inheritdoc/>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await _stop.CancelAsync();
        socket.Dispose();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        _stop.Dispose();
    }
}
