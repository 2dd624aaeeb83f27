using System.Net;
using System.Net.Sockets;

namespace Redirection;

/// <summary>Makes UDP sockets, possibly inside a pod.</summary>
public static class DatagramSocket
{
    /// <summary>Creates and binds a socket that answers.</summary>
    /// <param name="address">Where; <c>[::]</c> takes IPv4 datagrams, too.</param>
    /// <param name="mark"><c>SO_MARK</c> of what it sends; null and 0 mean none.</param>
    /// <param name="reusePort">Whether a second process may bind the same port.</param>
    /// <param name="netns">Namespace of the socket; null for the caller's own.</param>
    /// <param name="warning">An option that is missing although it was asked for; null when all is well.</param>
    /// <exception cref="SocketException">The socket cannot be made or bound, for one because the port is in use.</exception>
    /// <exception cref="IOException">The namespace cannot be entered, or the mark cannot be set.</exception>
    public static Socket Bind(IPEndPoint address, uint? mark, bool reusePort, Netns? netns, out string? warning)
    {
        ArgumentNullException.ThrowIfNull(address);
        var missing = default(string);
        var result = Create(address.AddressFamily, netns, socket =>
        {
            if (address.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true; // .NET sets IPV6_V6ONLY on every IPv6 socket it makes
            }

            SetMark(socket, mark);
            missing = reusePort && !socket.TrySetReusePort(out var error)
                ? $"failed to set SO_REUSEPORT on the listener of {address}: {error}"
                : null;
            socket.Bind(address);
        });
        warning = missing;
        return result;
    }

    /// <summary>Creates a socket that talks to one peer only.</summary>
    /// <param name="peer">Whom.</param>
    /// <param name="mark"><c>SO_MARK</c> of what it sends; null and 0 mean none.</param>
    /// <param name="netns">Namespace of the socket; null for the caller's own.</param>
    /// <exception cref="SocketException">The socket cannot be made, or there is no route to the peer.</exception>
    /// <exception cref="IOException">The namespace cannot be entered, or the mark cannot be set.</exception>
    public static Socket Connect(IPEndPoint peer, uint? mark, Netns? netns)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return Create(peer.AddressFamily, netns, socket =>
        {
            SetMark(socket, mark);
            socket.Connect(peer);
        });
    }

    private static Socket Create(AddressFamily family, Netns? netns, Action<Socket> prepare)
    {
        var socket = netns is null ? Netns.NewUdpSocket(family) : netns.CreateUdpSocket(family);
        var ready = false;
        try
        {
            prepare(socket);
            ready = true;
            return socket;
        }
        finally
        {
            if (!ready)
            {
                socket.Dispose();
            }
        }
    }

    private static void SetMark(Socket socket, uint? mark)
    {
        if (mark is { } value and not 0 && !socket.TrySetMark(value, out var error))
        {
            throw error.ToException($"failed to set SO_MARK {value} on a UDP socket");
        }
    }
}
