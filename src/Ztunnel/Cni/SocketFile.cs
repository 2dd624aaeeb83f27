using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;

namespace Ztunnel.Cni;

/// <summary>Sockets in the file system: who may connect, and those that a server that was killed leaves behind.</summary>
[SuppressMessage("Interoperability", "CA1416", Justification = "Network namespaces exist on Linux only.")]
internal static class SocketFile
{
    /// <summary>Lets nobody but the owner, and root, connect.</summary>
    /// <exception cref="IOException">It cannot be changed.</exception>
    public static void LimitToOwner(string path) =>
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);

    /// <summary>Unlinks a socket that nobody listens at. Fine when there is nothing at the path.</summary>
    /// <exception cref="IOException">Somebody listens there, or it is not a socket.</exception>
    public static async Task RemoveStaleAsync(string path, SocketType type, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            return;
        }

        try
        {
            using var socket = new Socket(AddressFamily.Unix, type, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused)
        {
            ThrowIfFile(path);
            File.Delete(path);
            return;
        }
        catch (SocketException e)
        {
            throw new IOException($"{path} is in use: {e.Message}", e);
        }

        throw new IOException($"{path} is in use: another server listens there");
    }

    // The kernel opens every kind of file but sockets (open(2), ENXIO).
    private static void ThrowIfFile(string path)
    {
        try
        {
            File.OpenHandle(path).Dispose();
        }
        catch (IOException)
        {
            return;
        }

        throw new IOException($"{path} is not a socket; it is left alone");
    }
}
