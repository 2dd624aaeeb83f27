using System.Net.Sockets;

namespace Redirection;

/// <summary>
/// The hop between proxy and application inside a pod: it never leaves the machine, so it has no congestion to avoid.
/// </summary>
public static class LoopbackHop
{
    private const string DefaultPath = "/proc/sys/net/ipv4/tcp_congestion_control";
    private const int TcpLevel = 6;
    private const int TcpCongestion = 13;

    // Where the node's default paces its packets (BBR), every burst over loopback waits for timers. Reno is always there,
    // and open to everybody (tcp(7)).
    private static readonly bool DefaultPaces = PacesByDefault();

    /// <summary>Takes a socket of such a hop off a congestion control that paces. Best effort.</summary>
    public static void Tune(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (!DefaultPaces)
        {
            return;
        }

        try
        {
            socket.SetRawSocketOption(TcpLevel, TcpCongestion, "reno"u8);
        }
        catch (SocketException)
        {
            // It works as well, with more timers.
        }
    }

    private static bool PacesByDefault()
    {
        try
        {
            return File.ReadAllText(DefaultPath).StartsWith("bbr", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
