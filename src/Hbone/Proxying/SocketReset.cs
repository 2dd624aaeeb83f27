using System.Buffers.Binary;
using System.Net.Sockets;

namespace Hbone.Proxying;

/// <summary>Ends a TCP connection with RST, so that the application learns that something is missing.</summary>
public static class SocketReset
{
    private const int TcpLevel = 6;
    private const int TcpInfo = 11;
    private const int UnackedOffset = 24;
    private const int BytesAckedOffset = 120;
    private const int NotSentOffset = 144;
    private const int TcpInfoLength = 148;
    private const byte Closed = 7; // TCP_CLOSE of net/tcp_states.h
    private const int MaxChecksWithoutProgress = 250;
    private static readonly TimeSpan BetweenChecks = TimeSpan.FromMilliseconds(20);

    /// <summary>
    /// Waits until the kernel has delivered what was sent, because RST discards the rest of the send queue; then closes
    /// with RST.
    /// </summary>
    public static async Task AfterDeliveryAsync(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        await DeliveredAsync(socket);
        Now(socket);
    }

    /// <summary>Waits until the kernel has delivered what was sent, or the other end has taken nothing for 5 s.</summary>
    public static async Task DeliveredAsync(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        try
        {
            var acknowledged = 0L;
            for (var i = 0; i < MaxChecksWithoutProgress && HasUndelivered(socket, out var now); i++)
            {
                i = now > acknowledged ? 0 : i;
                acknowledged = now;
                await Task.Delay(BetweenChecks);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Already gone, with whatever it had.
        }
    }

    /// <summary>Closes with RST at once (SO_LINGER with zero time, socket(7)).</summary>
    public static void Now(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        try
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Closing is all that is left.
        }

        socket.Dispose();
    }

    /// <summary>
    /// Whether the other end has reset the connection or vanished, also while something that it sent is still unread, which
    /// hides it from a read. An orderly end of both directions is not that, although the kernel then calls the socket closed too.
    /// </summary>
    public static bool IsGone(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        Span<byte> info = stackalloc byte[TcpInfoLength];
        try
        {
            return socket.GetRawSocketOption(TcpLevel, TcpInfo, info) > 0
                && info[0] == Closed
                && socket.Poll(0, SelectMode.SelectError); // what SO_ERROR would tell, and leaves it there
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return true;
        }
    }

    /// <summary>Whether the kernel has no connection for it any more: reset, timed out, or ended in both directions.</summary>
    public static bool IsClosed(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        Span<byte> info = stackalloc byte[1]; // tcpi_state
        return socket.GetRawSocketOption(TcpLevel, TcpInfo, info) > 0 && info[0] == Closed;
    }

    /// <summary>Whether the kernel still holds something that the other end has not acknowledged.</summary>
    public static bool HasUndelivered(Socket socket) => HasUndelivered(socket, out _);

    // struct tcp_info of linux/tcp.h: tcpi_unacked counts segments, tcpi_notsent_bytes and tcpi_bytes_acked bytes.
    private static bool HasUndelivered(Socket socket, out long acknowledged)
    {
        Span<byte> info = stackalloc byte[TcpInfoLength];
        var length = socket.GetRawSocketOption(TcpLevel, TcpInfo, info);
        acknowledged = BinaryPrimitives.ReadInt64LittleEndian(info[BytesAckedOffset..]);
        return length >= TcpInfoLength
            && (BinaryPrimitives.ReadInt32LittleEndian(info[UnackedOffset..]) != 0
                || BinaryPrimitives.ReadInt32LittleEndian(info[NotSentOffset..]) != 0);
    }
}
