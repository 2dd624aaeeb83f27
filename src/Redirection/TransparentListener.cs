using System.Net;
using System.Net.Sockets;

namespace Redirection;

/// <summary>A bound and listening TCP socket of the data path, possibly inside a pod, with what became of its options.</summary>
public sealed class TransparentListener : IDisposable
{
    private TransparentListener(Socket socket, bool isTransparent, ReusePortGroup? group, string? warning)
    {
        Group = group;
        Socket = socket;
        LocalEndPoint = (IPEndPoint)socket.LocalEndPoint!;
        IsTransparent = isTransparent;
        Warning = warning;
    }

    /// <summary>The listening socket; closed with this object.</summary>
    public Socket Socket { get; }

    /// <summary>Where it listens, with the port that was really bound.</summary>
    public IPEndPoint LocalEndPoint { get; }

    /// <summary>Whether connections to the application may keep their original source address.</summary>
    public bool IsTransparent { get; }

    /// <summary>With whom it shares its port; null when it does not.</summary>
    public ReusePortGroup? Group { get; }

    /// <summary>An option that is missing although it was asked for; null when all is well.</summary>
    public string? Warning { get; }

    /// <summary>Creates, binds and starts a listener.</summary>
    /// <param name="options">How.</param>
    /// <param name="netns">Namespace of the socket; null for the caller's own.</param>
    /// <exception cref="SocketException">The socket cannot be made or bound, for one because the port is in use.</exception>
    /// <exception cref="IOException">The namespace cannot be entered, or a required option cannot be set.</exception>
    public static TransparentListener Open(ListenerOptions options, Netns? netns = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        var family = options.Address.AddressFamily;
        var socket = netns is null ? Netns.NewTcpSocket(family) : netns.CreateTcpSocket(family);
        TransparentListener? listener = null;
        try
        {
            listener = Start(socket, options, netns);
            return listener;
        }
        finally
        {
            if (listener is null)
            {
                socket.Dispose();
            }
        }
    }

    /// <summary>Stops listening; the port is free when this returns. Disposing twice is fine.</summary>
    public void Dispose() => Socket.ReleasePort();

    private static TransparentListener Start(Socket socket, ListenerOptions options, Netns? netns)
    {
        if (options.Address.Address.Equals(IPAddress.IPv6Any))
        {
            socket.DualMode = true; // .NET sets IPV6_V6ONLY on every IPv6 socket it makes
        }

        if (options.Mark is { } mark and not 0 && !socket.TrySetMark(mark, out var markError))
        {
            throw markError.ToException($"failed to set SO_MARK {mark} on the listener of {options.Address}");
        }

        var warning = options.ReusePort && !socket.TrySetReusePort(out var reuseError)
            ? $"failed to set SO_REUSEPORT on the listener of {options.Address}: {reuseError}"
            : null;

        PrepareAccepted(socket, options);
        socket.Bind(options.Address);
        socket.Listen(options.Backlog);
        var group = options.ReusePort && warning is null ? ReusePortGroup.Of(socket, netns) : null;
        group?.TryYield();
        return new TransparentListener(socket, MakeTransparent(socket, options), group, warning);
    }

    // Linux hands these options of a listener on to what it accepts, which saves six system calls for each connection.
    private static void PrepareAccepted(Socket socket, ListenerOptions options)
    {
        socket.NoDelay = true;
        if (options.Keepalive is { } keepalive)
        {
            socket.SetKeepalive(keepalive);
        }

        if (options.IsLoopbackHop)
        {
            LoopbackHop.Tune(socket);
        }
    }

    private static bool MakeTransparent(Socket socket, ListenerOptions options)
    {
        if (options.Transparent is false)
        {
            return false;
        }

        if (socket.TrySetTransparent(out var error))
        {
            return true;
        }

        return options.Transparent is null
            ? false
            : throw error.ToException($"failed to set IP_TRANSPARENT on the listener of {options.Address}");
    }
}
