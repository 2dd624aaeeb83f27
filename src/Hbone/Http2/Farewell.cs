using System.Net.Sockets;
using Hbone.Proxying;

namespace Hbone.Http2;

/// <summary>
/// The orderly end of a connection. A socket closed with input unread sends RST, which would overtake what was just sent:
/// so read until the peer has closed its side, for a moment, and on while something is not delivered.
/// </summary>
internal static class Farewell
{
    /// <summary>The transport is broken: nothing can be said.</summary>
    public static readonly TimeSpan None = TimeSpan.Zero;

    /// <summary>For a GOAWAY.</summary>
    public static readonly TimeSpan Brief = TimeSpan.FromSeconds(1);

    /// <summary>For the last bytes of a drained connection's streams, on their way to a slow reader.</summary>
    public static readonly TimeSpan AfterDrain = TimeSpan.FromSeconds(30);

    private const int ReadLength = 4 * 1024;
    private const int MaxReads = 256;

    /// <summary>Waits until everything has left and arrived, at most as long as given; closes our side of the socket.</summary>
    /// <param name="socket">The connection. Disposing it meanwhile ends the wait.</param>
    /// <param name="written">Completes when the socket has taken everything.</param>
    /// <param name="limit">Of each step, in whole multiples of <see cref="Brief"/>.</param>
    public static async Task SayAsync(Socket socket, Task written, TimeSpan limit)
    {
        try
        {
            await written.WaitAsync(limit);
            socket.Shutdown(SocketShutdown.Send);
            for (var waited = TimeSpan.Zero; waited < limit; waited += Brief)
            {
                if (await IsClosedByPeerAsync(socket) || !SocketReset.HasUndelivered(socket))
                {
                    return;
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or TimeoutException)
        {
            // Gone already, or it does not read: it learns of the end from the socket.
        }
    }

    // Also true when the peer only goes on sending.
    private static async Task<bool> IsClosedByPeerAsync(Socket socket)
    {
        using var limit = new CancellationTokenSource(Brief);
        try
        {
            var ignored = new byte[ReadLength];
            for (var i = 0; i < MaxReads; i++)
            {
                if (await socket.ReceiveAsync(ignored, limit.Token) == 0)
                {
                    return true;
                }
            }

            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
