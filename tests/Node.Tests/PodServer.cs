using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Redirection;
using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>A server application in a pod: does one thing with each connection and closes it.</summary>
internal sealed class PodServer : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<Task> _connections = [];
    private readonly Task _accepting;

    private PodServer(Socket listener, Func<Socket, CancellationToken, Task> serve)
    {
        _listener = listener;
        _accepting = AcceptAsync(serve);
    }

    /// <summary>The peers so far, as the application sees them.</summary>
    public ConcurrentQueue<IPAddress> Peers { get; } = [];

    public static PodServer Start(Pod pod, int port, Func<Socket, CancellationToken, Task> serve) =>
        new(pod.Listen(port), serve);

    /// <summary>Sends everything back twice, and its end after the peer's.</summary>
    public static async Task EchoTwiceAsync(Socket socket, CancellationToken cancellationToken)
    {
        while (await socket.ReceiveTextAsync(11, cancellationToken) is { Length: > 0 } text)
        {
            await socket.SendTextAsync(text + text, cancellationToken);
        }

        socket.Shutdown(SocketShutdown.Send);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        _listener.Shutdown(SocketShutdown.Both); // a program that is just being started may hold the socket, too
        _listener.Dispose();
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    private async Task AcceptAsync(Func<Socket, CancellationToken, Task> serve)
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync(_stop.Token);
                Peers.Enqueue(((IPEndPoint)socket.RemoteEndPoint!).Address.Unmapped());
                _connections.Enqueue(ServeAsync(socket, serve));
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(Socket socket, Func<Socket, CancellationToken, Task> serve)
    {
        using (socket)
        {
            try
            {
                await serve(socket, _stop.Token);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The client went away, or the test is over.
            }
        }
    }
}
