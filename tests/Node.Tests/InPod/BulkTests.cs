using System.Net.Sockets;

namespace Node.Tests.InPod;

/// <summary>Much data both ways at once through a tunnel between two nodes; data-path 13, D9.</summary>
[Collection<TwoNodesCollection>]
public sealed class BulkTests(TwoNodes nodes)
{
    private const int Total = 24 * 1024 * 1024;
    private const int LongestWrite = 300_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task D9_MillionsOfBytesInWritesOfAnySize_ArriveInOrder(AddressFamily family)
    {
        await using var server = PodServer.Start(nodes.Remote.Pod, TwoNodes.EchoPort, EchoAsync);
        using var socket = await nodes.Client.ConnectAsync(nodes.Remote, family, TwoNodes.EchoPort, Token);

        var sending = SendAsync(socket);
        await ReceiveAsync(socket);
        await sending;
    }

    private static async Task SendAsync(Socket socket)
    {
        var random = new Random(7);
        var buffer = new byte[LongestWrite];
        for (var sent = 0; sent < Total;)
        {
            var length = Math.Min(random.Next(1, LongestWrite), Total - sent);
            for (var i = 0; i < length; i++)
            {
                buffer[i] = At(sent + i);
            }

            for (var rest = buffer.AsMemory(0, length); rest.Length > 0;)
            {
                rest = rest[await socket.SendAsync(rest, Token)..];
            }

            sent += length;
        }

        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task ReceiveAsync(Socket socket)
    {
        var buffer = new byte[64 * 1024];
        var received = 0;
        while (await socket.ReceiveAsync(buffer, Token) is > 0 and var count)
        {
            for (var i = 0; i < count; i++)
            {
                if (buffer[i] != At(received + i))
                {
                    Assert.Fail($"the octet at {received + i} is {buffer[i]}");
                }
            }

            received += count;
        }

        Assert.Equal(Total, received);
    }

    // No two stretches of it are alike: what is lost, doubled or moved shows.
    private static byte At(int position) => (byte)((uint)(position * 2_654_435_761L) >> 24);

    private static async Task EchoAsync(Socket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        while (await socket.ReceiveAsync(buffer, cancellationToken) is > 0 and var count)
        {
            for (var rest = buffer.AsMemory(0, count); rest.Length > 0;)
            {
                rest = rest[await socket.SendAsync(rest, cancellationToken)..];
            }
        }

        socket.Shutdown(SocketShutdown.Send);
    }
}
