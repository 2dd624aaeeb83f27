using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Redirection;

namespace Ztunnel.Proxy;

/// <summary>
/// Accepts connections of one listener until the drain starts, and then those that wait already. What concerns one connection
/// only never ends it.
/// </summary>
internal sealed class AcceptLoop(
    TransparentListener listener, string component, Action<Socket> serve, ILogger<AcceptLoop> logger)
{
    // How long a handshake may take that began with us before the successor got the port.
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(1);

    /// <summary>Runs until the drain starts, then closes the listener.</summary>
    public async Task RunAsync(Drain drain)
    {
        logger.ListenerEstablished(listener.LocalEndPoint, component, listener.IsTransparent);
        listener.Group?.TryTakeOver();
        try
        {
            await AcceptUntilAsync(drain.Started);
            if (!drain.Forced.IsCancellationRequested && listener.Group?.TryHandOver() is true)
            {
                using var overlap = CancellationTokenSource.CreateLinkedTokenSource(drain.Forced);
                overlap.CancelAfter(Overlap);
                await AcceptUntilAsync(overlap.Token);
            }

            if (!drain.Forced.IsCancellationRequested)
            {
                AcceptWaiting();
            }
        }
        catch (Exception e) when (
            drain.Started.IsCancellationRequested && e is SocketException or ObjectDisposedException or IOException)
        {
            // Whoever stops a pod also closes its listeners.
        }
        finally
        {
            listener.Dispose();
        }

        logger.ListenerDrained(component);
    }

    private async Task AcceptUntilAsync(CancellationToken stop)
    {
        var delay = new ListenerDelay();
        try
        {
            while (true)
            {
                try
                {
                    serve(await listener.Socket.AcceptAsync(stop));
                    delay.Reset();
                }
                catch (SocketException e) when (!stop.IsCancellationRequested)
                {
                    // Out of descriptors or memory: the kernel keeps the connection queued, and a short wait may help.
                    if (delay.IsFirst)
                    {
                        logger.AcceptFailed(listener.LocalEndPoint, OsError.Describe(e)); // the first of a row
                    }

                    await Task.Delay(delay.Next(), stop);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The one normal way out.
        }
    }

    // Closing the listener would reset them.
    private void AcceptWaiting()
    {
        listener.Socket.Blocking = false;
        try
        {
            while (true)
            {
                serve(listener.Socket.Accept());
            }
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
        {
            // None is left.
        }
    }
}
