using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Redirection;

namespace Ztunnel.Proxy;

/// <summary>Accepts connections of one listener until the drain starts. What concerns one connection only never ends it.</summary>
internal sealed class AcceptLoop(
    TransparentListener listener, string component, Action<Socket> serve, ILogger<AcceptLoop> logger)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(1);

    /// <summary>Runs until the drain starts, then closes the listener.</summary>
    public async Task RunAsync(Drain drain)
    {
        logger.ListenerEstablished(listener.LocalEndPoint, component, listener.IsTransparent);
        var delay = FirstDelay;
        try
        {
            while (true)
            {
                try
                {
                    serve(await listener.Socket.AcceptAsync(drain.Started));
                    delay = FirstDelay;
                }
                catch (SocketException e) when (!drain.Started.IsCancellationRequested)
                {
                    // Out of descriptors or memory: the kernel keeps the connection queued, and a short wait may help.
                    logger.AcceptFailed(listener.LocalEndPoint, delay, OsError.Describe(e));
                    await Task.Delay(delay, drain.Started);
                    delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay;
                }
            }
        }
        catch (Exception e) when (
            drain.Started.IsCancellationRequested
            && e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The one normal way out; whoever stops a pod also closes its listeners.
        }
        finally
        {
            listener.Dispose();
        }

        logger.ListenerDrained(component);
    }
}
