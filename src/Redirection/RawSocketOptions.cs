using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Redirection;

/// <summary>Socket options of Linux that .NET does not name: socket(7), ip(7), ipv6(7), tcp(7).</summary>
public static class RawSocketOptions
{
    internal const int SolSocket = 1;
    internal const int SolIp = 0;
    internal const int SolIpv6 = 41;
    internal const int SolTcp = 6;

    internal const int SoKeepalive = 9;
    internal const int SoReusePort = 15;
    internal const int SoMark = 36;

    internal const int IpFreebind = 15;
    internal const int IpTransparent = 19;
    internal const int IpBindAddressNoPort = 24;
    internal const int IpLocalPortRange = 51;
    internal const int Ipv6Transparent = 75;
    internal const int Ipv6Freebind = 78;

    // MAX_TCP_KEEPIDLE and MAX_TCP_KEEPINTVL, MAX_TCP_KEEPCNT of the kernel.
    private const int MaxKeepaliveSeconds = 32_767;
    private const int MaxKeepaliveRetries = 127;
    internal const int TcpKeepIdle = 4;
    internal const int TcpKeepInterval = 5;
    internal const int TcpKeepCount = 6;
    internal const int TcpUserTimeout = 18;

    /// <summary>Marks every packet of the socket (<c>SO_MARK</c>). Needs CAP_NET_ADMIN.</summary>
    public static bool TrySetMark(this Socket socket, uint mark, out OsError error) =>
        TrySet(socket, SolSocket, SoMark, unchecked((int)mark), out error);

    /// <summary>Lets sockets of processes with one effective user share the port (<c>SO_REUSEPORT</c>). Before bind.</summary>
    public static bool TrySetReusePort(this Socket socket, out OsError error) =>
        TrySet(socket, SolSocket, SoReusePort, 1, out error);

    /// <summary>
    /// Lets a listener, and through inheritance what it accepts, use addresses that are not this machine's
    /// (<c>IP_TRANSPARENT</c>). Always the IPv4 option, which is enough on a dual-stack socket. Needs CAP_NET_ADMIN.
    /// </summary>
    public static bool TrySetTransparent(this Socket socket, out OsError error) =>
        TrySet(socket, SolIp, IpTransparent, 1, out error);

    /// <summary>Whether <c>IP_TRANSPARENT</c> is set; false also when the system does not say.</summary>
    public static bool IsTransparent(this Socket socket) =>
        TryGet(socket, SolIp, IpTransparent, out var value, out _) && value != 0;

    /// <summary>
    /// Lets a socket of either family bind to a source address that is not this machine's: transparent first, then
    /// freebind. Needs CAP_NET_ADMIN or CAP_NET_RAW.
    /// </summary>
    public static bool TrySetForeignSource(this Socket socket, out OsError error)
    {
        ArgumentNullException.ThrowIfNull(socket);
        return socket.AddressFamily == AddressFamily.InterNetworkV6
            ? TrySet(socket, SolIpv6, Ipv6Transparent, 1, out error) && TrySet(socket, SolIpv6, Ipv6Freebind, 1, out error)
            : TrySet(socket, SolIp, IpTransparent, 1, out error) && TrySet(socket, SolIp, IpFreebind, 1, out error);
    }

    /// <summary>
    /// Puts the choice of a port off from bind to connect (<c>IP_BIND_ADDRESS_NO_PORT</c>). Binding to port 0 otherwise
    /// takes a port for that source alone, so one caller could hold no more connections than there are ephemeral ports;
    /// chosen at connect, a port need only be unique together with the destination. The option serves both families.
    /// </summary>
    public static bool TrySetBindAddressNoPort(this Socket socket, out OsError error) =>
        TrySet(socket, SolIp, IpBindAddressNoPort, 1, out error);

    /// <summary>
    /// Leaves a connection one local port to choose from (<c>IP_LOCAL_PORT_RANGE</c>, since Linux 6.3), which then may be taken
    /// together with its destination: connect says <c>EADDRNOTAVAIL</c>. A port outside of the namespace's range leaves all.
    /// The option serves both families.
    /// </summary>
    public static bool TrySetLocalPort(this Socket socket, ushort port, out OsError error) =>
        TrySet(socket, SolIp, IpLocalPortRange, (port << 16) | port, out error);

    /// <summary>Applies keepalive and user timeout to an accepted or outgoing socket.</summary>
    /// <remarks>Failure is of no consequence: the connection works, only a dead peer is noticed later.</remarks>
    public static void SetKeepalive(this Socket socket, KeepaliveOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Enabled)
        {
            _ = TrySetPositive(socket, TcpKeepIdle, options.Time.TotalSeconds, MaxKeepaliveSeconds)
                && TrySetPositive(socket, TcpKeepInterval, options.Interval.TotalSeconds, MaxKeepaliveSeconds)
                && TrySetPositive(socket, TcpKeepCount, options.Retries, MaxKeepaliveRetries)
                && TrySet(socket, SolSocket, SoKeepalive, 1, out _);
        }

        if (options.UserTimeoutEnabled)
        {
            var milliseconds = (int)Math.Min(options.UserTimeout.TotalMilliseconds, int.MaxValue);
            _ = TrySet(socket, SolTcp, TcpUserTimeout, milliseconds, out _);
        }
    }

    internal static bool TryGet(Socket socket, int level, int name, out int value, out OsError error)
    {
        ArgumentNullException.ThrowIfNull(socket);
        value = 0;
        return TryGet(socket, level, name, MemoryMarshal.AsBytes(new Span<int>(ref value)), out error);
    }

    /// <summary>Reads an option that is longer than a number.</summary>
    internal static bool TryGet(Socket socket, int level, int name, Span<byte> value, out OsError error)
    {
        var length = (uint)value.Length;
        if (NativeMethods.GetSocketOption(socket.SafeHandle, level, name, ref value[0], ref length) != 0)
        {
            error = OsError.Last;
            return false;
        }

        error = default;
        return true;
    }

    // Zero leaves the kernel's value; beyond what the kernel takes, the most it takes.
    private static bool TrySetPositive(Socket socket, int option, double value, int most) =>
        value <= 0 || TrySet(socket, SolTcp, option, (int)Math.Clamp(value, 1, most), out _);

    private static bool TrySet(Socket socket, int level, int name, int value, out OsError error)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (NativeMethods.SetSocketOption(socket.SafeHandle, level, name, value, sizeof(int)) != 0)
        {
            error = OsError.Last;
            return false;
        }

        error = default;
        return true;
    }
}
