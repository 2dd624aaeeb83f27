using System.Net.Sockets;

namespace Redirection;

/// <summary>Sockets that two threads close: the loop that serves them at its end, and whoever ended the loop.</summary>
public static class ListeningSocketExtensions
{
    /// <summary>
    /// Closes the socket; its port is free when this returns, also where the other thread came first. (A second
    /// <see cref="Socket.Dispose()"/> returns at once, while the first may still wait for operations to end.)
    /// </summary>
    /// <param name="socket">One that is closed by this method only.</param>
    public static void ReleasePort(this Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        lock (socket)
        {
            socket.Dispose();
        }
    }
}
