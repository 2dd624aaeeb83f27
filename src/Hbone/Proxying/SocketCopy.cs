using System.Net.Sockets;
using Hbone.Memory;
using Hbone.Proxying.Splicing;

namespace Hbone.Proxying;

/// <summary>
/// Moves payload between two sockets until both directions have ended: plain TCP on both sides. FIN becomes FIN, each
/// direction by itself; a reset on either side resets the other.
/// </summary>
public static class SocketCopy
{
    /// <summary>Runs until both directions are over. Closes both sockets.</summary>
    /// <param name="client">The connection that was accepted, taken over.</param>
    /// <param name="server">The connection that was made for it, taken over.</param>
    /// <param name="counters">Told of payload as it is delivered.</param>
    /// <param name="memory">What the buffers count against.</param>
    /// <param name="pipes">Where pipes come from, so that much payload is not copied; null copies everything.</param>
    public static async Task<CopyResult> RunAsync(
        Socket client, Socket server, ICopyCounters counters, MemoryBudget memory, PipePool? pipes)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(server);
        ArgumentNullException.ThrowIfNull(counters);
        try
        {
            client.Blocking = false;
            server.Blocking = false;
        }
        catch (ObjectDisposedException e)
        {
            // Somebody has ended it before it began.
            SocketReset.Now(client);
            SocketReset.Now(server);
            return new CopyResult(e, e);
        }

        var up = new SocketPump(client, server, counters.AddReceived, memory, pipes);
        var down = new SocketPump(server, client, counters.AddSent, memory, pipes);
        (up.Opposite, down.Opposite) = (down, up);
        var goingUp = up.RunAsync();
        var downEnd = await down.RunAsync();
        var result = new CopyResult(await goingUp, downEnd) { DownFirst = down.HasFailedFirst };
        client.Dispose();
        server.Dispose();
        return result;
    }
}
