using System.Net;
using System.Net.Sockets;
using System.Text;
using Redirection;
using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>Applications of a pod, played by sockets of this process that live in the pod's namespace.</summary>
internal static class PodSockets
{
    // Below those that the kernel chooses from.
    private static int _lastOwnPort = 2_000;

    /// <summary>Connects from a pod.</summary>
    public static Task<Socket> ConnectAsync(
        this Pod pod, IPAddress address, int port, CancellationToken cancellationToken) =>
        pod.Namespace.ConnectAsync(address, port, cancellationToken);

    /// <summary>
    /// The same from a port that nobody else has. A port that the kernel chooses may have been that of a connection to another
    /// address a moment ago: redirection to the same listener then gives this one another port, which is all that the proxy sees.
    /// </summary>
    public static async Task<Socket> ConnectFromOwnPortAsync(
        this Pod pod, IPAddress address, int port, CancellationToken cancellationToken)
    {
        using var netns = pod.OpenNetns();
        var socket = netns.CreateTcpSocket(address.AddressFamily);
        try
        {
            var any = address.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
            socket.Bind(new IPEndPoint(any, Interlocked.Increment(ref _lastOwnPort)));
            await socket.ConnectAsync(address, port, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Connects from a namespace, such as a node's.</summary>
    public static async Task<Socket> ConnectAsync(
        this NetworkNamespace network, IPAddress address, int port, CancellationToken cancellationToken)
    {
        using var netns = Netns.Open(network.Path);
        var socket = netns.CreateTcpSocket(address.AddressFamily);
        try
        {
            await socket.ConnectAsync(address, port, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Listens in a pod, on all addresses of the families it has. A listener of the port that was closed a moment ago may live
    /// on in a process that another test is starting, until that executes its program.
    /// </summary>
    public static Socket Listen(this Pod pod, int port)
    {
        using var netns = pod.OpenNetns();
        var family = pod.IPv6 is null ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;
        var socket = netns.CreateTcpSocket(family);
        try
        {
            if (family == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = true;
            }

            BindWhenFree(socket, new IPEndPoint(pod.IPv6 is null ? IPAddress.Any : IPAddress.IPv6Any, port));
            socket.Listen(512);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void BindWhenFree(Socket socket, IPEndPoint address)
    {
        for (var triesLeft = 100; ; triesLeft--)
        {
            try
            {
                socket.Bind(address);
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse && triesLeft > 0)
            {
                Thread.Sleep(50);
            }
        }
    }

    public static async Task SendTextAsync(this Socket socket, string text, CancellationToken cancellationToken)
    {
        var rest = Encoding.ASCII.GetBytes(text).AsMemory();
        while (rest.Length > 0)
        {
            rest = rest[await socket.SendAsync(rest, cancellationToken)..];
        }
    }

    /// <summary>Reads exactly so many characters, or fewer if the peer ends.</summary>
    public static async Task<string> ReceiveTextAsync(
        this Socket socket, int length, CancellationToken cancellationToken)
    {
        var buffer = new byte[length];
        var received = 0;
        while (received < length
            && await socket.ReceiveAsync(buffer.AsMemory(received), cancellationToken) is > 0 and var count)
        {
            received += count;
        }

        return Encoding.ASCII.GetString(buffer, 0, received);
    }

    /// <summary>Reads until the peer's end.</summary>
    public static async Task<string> ReceiveToEndAsync(this Socket socket, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        while (await socket.ReceiveTextAsync(4096, cancellationToken) is { Length: > 0 } part)
        {
            text.Append(part);
        }

        return text.ToString();
    }

    /// <summary>Closes with RST instead of FIN.</summary>
    public static void Reset(this Socket socket)
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }
}
