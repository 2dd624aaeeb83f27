using System.Net;
using System.Net.Sockets;
using Redirection;

namespace Ztunnel.Tests.State;

/// <summary>A port on the loopback of a namespace that leads to one on ours, as long as there is one.</summary>
internal sealed class NamespaceRelay : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    public NamespaceRelay(Netns netns, int port)
    {
        _listener = netns.CreateTcpSocket(AddressFamily.InterNetwork);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    /// <summary>Port on our loopback; null closes every connection at once.</summary>
    public int? Target { get; set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                connections.Add(RelayAsync(await _listener.AcceptAsync(_stop.Token)));
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            await Task.WhenAll(connections);
        }
    }

    // Either end that closes closes both.
    private async Task RelayAsync(Socket near)
    {
        using (near)
        using (var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            try
            {
                if (Target is { } target)
                {
                    await far.ConnectAsync(IPAddress.Loopback, target, _stop.Token);
                    using var closed = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                    Task[] ways = [CopyAsync(near, far, closed.Token), CopyAsync(far, near, closed.Token)];
                    await Task.WhenAny(ways);
                    await closed.CancelAsync();
                    await Task.WhenAll(ways);
                }
            }
            catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
            {
                // Whoever waits at the other end sees it.
            }
        }
    }

    private static async Task CopyAsync(Socket from, Socket to, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 * 1024];
        while (await from.ReceiveAsync(buffer, cancellationToken) is > 0 and var length)
        {
            for (var sent = 0; sent < length;)
            {
                sent += await to.SendAsync(buffer.AsMemory(sent, length - sent), cancellationToken);
            }
        }
    }
}
