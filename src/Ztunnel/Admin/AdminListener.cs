using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Ztunnel.Admin;

/// <summary>
/// Accepts for Kestrel, as its own listener does, but waits when the process is out of descriptors: Kestrel's tries again at once
/// and keeps a processor busy until one is free.
/// </summary>
/// <param name="socket">Listening; owned.</param>
/// <param name="connections">Makes Kestrel's connections of sockets; not owned.</param>
internal sealed class AdminListener(Socket socket, SocketConnectionContextFactory connections) : IConnectionListener
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _unbound = new();

    /// <inheritdoc/>
    public EndPoint EndPoint { get; } = socket.LocalEndPoint!;

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        var delay = FirstDelay;
        while (true)
        {
            try
            {
                var accepted = await socket.AcceptAsync(_unbound.Token);
                accepted.NoDelay = true;
                return connections.Create(accepted);
            }
            catch (SocketException) when (!_unbound.IsCancellationRequested)
            {
                // Out of descriptors or memory: the kernel keeps the connection queued. Or its client has gone again.
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                return null;
            }

            await Task.Delay(delay, _unbound.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay;
        }
    }

    /// <inheritdoc/>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await _unbound.CancelAsync();
        socket.Dispose();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        _unbound.Dispose();
    }
}
