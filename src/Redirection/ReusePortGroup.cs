using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Redirection;

/// <summary>
/// The listeners of several processes on one port of one namespace (<c>SO_REUSEPORT</c>), among which the kernel divides new
/// connections. Any of them may say who gets them all, with a program of one instruction
/// (<c>SO_ATTACH_REUSEPORT_CBPF</c>, socket(7)), so that a process can leave with an empty queue. An index that nobody has makes
/// the kernel divide again.
/// </summary>
/// <remarks>Indices follow the order of <c>listen</c>; when a member leaves, the last one takes its place.</remarks>
public sealed class ReusePortGroup
{
    private readonly Socket _socket;
    private readonly Netns? _netns;
    private readonly HashSet<long> _older;
    private readonly long _own;

    private ReusePortGroup(Socket socket, Netns? netns)
    {
        _socket = socket;
        _netns = netns;
        _own = InodeOf(socket);
        _older = [.. Others()];
    }

    /// <summary>Whether there were others on the port when this listener came.</summary>
    public bool HasOlder => _older.Count > 0;

    /// <summary>The group of a socket that has just begun to listen.</summary>
    /// <param name="socket">With <c>SO_REUSEPORT</c>; lent.</param>
    /// <param name="netns">Its namespace, lent; null for the caller's own.</param>
    /// <exception cref="IOException">The namespace cannot be looked at.</exception>
    public static ReusePortGroup Of(Socket socket, Netns? netns)
    {
        ArgumentNullException.ThrowIfNull(socket);
        return new ReusePortGroup(socket, netns);
    }

    /// <summary>
    /// Leaves new connections to the one who came before, until we are ready. With more than one the kernel goes on dividing.
    /// </summary>
    public bool TryYield() => _older.Count == 1 && ReusePortProgram.TryAttach(_socket, 0);

    /// <summary>Has new connections come to us. Nothing happens when we came first.</summary>
    public bool TryTakeOver() => HasOlder && ReusePortProgram.TryAttach(_socket, (uint)_older.Count);

    /// <summary>Has new connections go to another member before we close.</summary>
    /// <returns>False when there is no other, or who it is cannot be told.</returns>
    /// <exception cref="IOException">The namespace cannot be looked at.</exception>
    public bool TryHandOver()
    {
        // With more than two the places of those who have moved are not known.
        return Others() is [var other] && ReusePortProgram.TryAttach(_socket, _older.Contains(other) ? 0u : 1);
    }

    private static long InodeOf(Socket socket)
    {
        var link = new FileInfo(string.Create(
            CultureInfo.InvariantCulture, $"/proc/self/fd/{socket.SafeHandle.DangerousGetHandle()}")).LinkTarget;
        return link is ['s', 'o', 'c', 'k', 'e', 't', ':', '[', .. var number, ']']
            ? long.Parse(number, CultureInfo.InvariantCulture)
            : throw new IOException($"not a socket: {link}");
    }

    private List<long> Others()
    {
        var port = ((IPEndPoint)_socket.LocalEndPoint!).Port;
        var family = _socket.AddressFamily;
        var all = _netns is null ? ListeningSockets.InodesAt(family, port) : _netns.Run(() => ListeningSockets.InodesAt(family, port));
        all.Remove(_own);
        return all;
    }
}
