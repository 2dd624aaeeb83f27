using System.Net;
using System.Net.Sockets;

namespace Redirection.Tests.Support;

/// <summary>Small clients and servers inside a namespace. Every wait ends after ten seconds.</summary>
internal static class Traffic
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A plain server on all addresses of both families.</summary>
    public static Socket Listen(this Netns netns, int port)
    {
        var socket = netns.CreateTcpSocket(AddressFamily.InterNetworkV6);
        socket.DualMode = true;
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        socket.Listen();
        return socket;
    }

    /// <summary>A plain client, from a given local address if need be.</summary>
    public static async Task<Socket> ConnectAsync(this Netns netns, IPEndPoint destination, IPAddress? source = null)
    {
        var socket = netns.CreateTcpSocket(destination.AddressFamily);
        if (source is not null)
        {
            socket.Bind(new IPEndPoint(source, 0));
        }

        await socket.ConnectAsync(destination, Token).AsTask().WaitAsync(Limit, Token);
        return socket;
    }

    public static Task<Socket> AcceptWithinLimitAsync(this Socket listener) =>
        listener.AcceptAsync(Token).AsTask().WaitAsync(Limit, Token);

    /// <summary>Both directions carry data.</summary>
    public static async Task AssertTalksToAsync(this Socket one, Socket other)
    {
        await AssertArrivesAsync(one, other);
        await AssertArrivesAsync(other, one);
    }

    private static async Task AssertArrivesAsync(Socket sender, Socket receiver)
    {
        var received = new byte[2];

        await sender.SendAsync("hi"u8.ToArray(), Token);
        await receiver.ReceiveAsync(received, Token).AsTask().WaitAsync(Limit, Token);

        Assert.Equal("hi"u8, received);
    }

    public static IPEndPoint Peer(this Socket socket) => ((IPEndPoint)socket.RemoteEndPoint!).Unmapped();
}
