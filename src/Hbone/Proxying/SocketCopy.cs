using System.Net.Sockets;
using Hbone.Memory;

namespace Hbone.Proxying;

/// <summary>
/// Copies between two sockets until both directions have ended: plain TCP on both sides. FIN becomes FIN, each direction by
/// itself; a reset on either side resets the other.
/// </summary>
public static class SocketCopy
{
    // After so much without waiting, other sockets of this thread get their turn.
    private const int YieldAfter = 16 * 1024 * 1024;

    /// <summary>Runs until both directions are over. Closes both sockets.</summary>
    /// <param name="client">The connection that was accepted, taken over.</param>
    /// <param name="server">The connection that was made for it, taken over.</param>
    /// <param name="counters">Told of payload as it is delivered.</param>
    /// <param name="memory">What the buffers count against.</param>
    public static async Task<CopyResult> RunAsync(
        Socket client, Socket server, ICopyCounters counters, MemoryBudget memory)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(server);
        client.Blocking = false;
        server.Blocking = false;
        var up = PumpAsync(client, server, counters.AddReceived, memory);
        var down = await PumpAsync(server, client, counters.AddSent, memory);
        var result = new CopyResult(await up, down);
        client.Dispose();
        server.Dispose();
        return result;
    }

    private static async Task<Exception?> PumpAsync(Socket from, Socket to, Action<long> count, MemoryBudget memory)
    {
        var buffer = new CopyBuffer(memory);
        var readable = false;
        var sinceYield = 0;
        try
        {
            while (true)
            {
                if (!readable)
                {
                    buffer.Return();
                    await from.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None);
                }

                var array = buffer.Rent();
                var room = buffer.PayloadLength;
                var read = from.Receive(array.AsSpan(0, room), SocketFlags.None, out var error);
                if (error == SocketError.WouldBlock)
                {
                    readable = false;
                    continue;
                }

                if (error != SocketError.Success)
                {
                    throw new SocketException((int)error);
                }

                if (read == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return null;
                }

                buffer.Add(read);
                readable = read == room;
                await to.SendAsync(array.AsMemory(0, read), SocketFlags.None);
                count(read);
                sinceYield += read;
                if (sinceYield >= YieldAfter)
                {
                    sinceYield = 0;
                    await Task.Yield();
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            SocketReset.Now(from);
            await SocketReset.AfterDeliveryAsync(to);
            return e;
        }
        finally
        {
            buffer.Return();
        }
    }
}
