using System.Net.Sockets;
using System.Security.Cryptography;

namespace Node.Tests;

/// <summary>What TCP promises to applications, kept through the tunnel; data-path 7.</summary>
public sealed class StreamTests(NodeTopology topology) : IClassFixture<NodeTopology>
{
    private const int Port = TestMesh.EchoPort;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task HalfClosedClient_StillReceives()
    {
        await using var server = PodServer.Start(topology.Server, Port, async (socket, token) =>
        {
            var question = await socket.ReceiveToEndAsync(token);
            await socket.SendTextAsync($"answer to {question}", token);
        });

        using var client = await ConnectAsync();
        await client.SendTextAsync("question", Token);
        client.Shutdown(SocketShutdown.Send);

        Assert.Equal("answer to question", await client.ReceiveToEndAsync(Token));
    }

    [Fact]
    public async Task HalfClosedServer_StillReceives()
    {
        var received = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = PodServer.Start(topology.Server, Port, async (socket, token) =>
        {
            await socket.SendTextAsync("all I have", token);
            socket.Shutdown(SocketShutdown.Send);
            received.SetResult(await socket.ReceiveToEndAsync(token));
        });

        using var client = await ConnectAsync();
        Assert.Equal("all I have", await client.ReceiveToEndAsync(Token));
        await client.SendTextAsync("after your end", Token);
        client.Shutdown(SocketShutdown.Send);

        Assert.Equal("after your end", await received.Task.WaitAsync(Token));
    }

    [Fact]
    public async Task ServerSpeaksFirst_ClientHearsItWithoutSending()
    {
        await using var server = PodServer.Start(
            topology.Server, Port, (socket, token) => socket.SendTextAsync("220 ready", token));

        using var client = await ConnectAsync();

        Assert.Equal("220 ready", await client.ReceiveToEndAsync(Token));
    }

    [Fact]
    public async Task ResetByTheServer_ReachesTheClientAsReset()
    {
        await using var server = PodServer.Start(topology.Server, Port, async (socket, token) =>
        {
            await socket.ReceiveTextAsync(5, token);
            socket.Reset();
        });

        using var client = await ConnectAsync();
        await client.SendTextAsync("hello", Token);

        var e = await Assert.ThrowsAsync<SocketException>(() => client.ReceiveToEndAsync(Token));
        Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
    }

    [Fact]
    public async Task LastWordsBeforeAReset_ReachTheClientBeforeTheReset()
    {
        // What a busy iperf3 server does: it says no and closes without having read the question.
        const int Rounds = 50;
        await using var server = PodServer.Start(
            topology.Server, Port, (socket, token) => socket.SendTextAsync("busy", token));

        for (var i = 0; i < Rounds; i++)
        {
            using var client = await ConnectAsync();
            await client.SendTextAsync("a question that nobody reads", Token);
            Assert.Equal("busy", await client.ReceiveTextAsync(4, Token));
        }
    }

    [Fact]
    public async Task ResetByTheClient_ReachesTheServerAsReset()
    {
        var outcome = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = PodServer.Start(topology.Server, Port, async (socket, token) =>
        {
            try
            {
                await socket.SendTextAsync("hello", token);
                outcome.SetResult($"end after '{await socket.ReceiveToEndAsync(token)}'");
            }
            catch (SocketException e)
            {
                outcome.SetResult(e.SocketErrorCode.ToString());
            }
        });

        var client = await ConnectAsync();
        Assert.Equal("hello", await client.ReceiveTextAsync(5, Token));
        client.Reset();

        Assert.Equal(nameof(SocketError.ConnectionReset), await outcome.Task.WaitAsync(Token));
    }

    [Fact]
    public async Task BothDirectionsAtOnce_ArriveUnchanged()
    {
        const int Length = 16 * 1024 * 1024;
        var (question, answer) = (RandomNumberGenerator.GetBytes(Length), RandomNumberGenerator.GetBytes(Length));
        var atServer = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = PodServer.Start(topology.Server, Port, async (socket, token) =>
            atServer.SetResult(await ExchangeAsync(socket, answer, token)));

        using var client = await ConnectAsync();
        var atClient = await ExchangeAsync(client, question, Token);

        Assert.True(answer.AsSpan().SequenceEqual(atClient), "the client received something else than was sent");
        var received = await atServer.Task.WaitAsync(Token);
        Assert.True(question.AsSpan().SequenceEqual(received), "the server received something else than was sent");
    }

    [Fact]
    public async Task StalledReader_DoesNotStopItsNeighbours()
    {
        // More than every window on the way: the tunnel to the server is shared, its credit must not be used up.
        const int Stalled = 5;
        var flooded = 0L;
        await using var server = PodServer.Start(topology.Server, Port, async (socket, token) =>
        {
            if (await socket.ReceiveTextAsync(5, token) == "flood")
            {
                var flood = new byte[1024 * 1024];
                while (true)
                {
                    Interlocked.Add(ref flooded, await socket.SendAsync(flood, token));
                }
            }

            await socket.SendTextAsync("hello", token);
        });
        var stalled = new List<Socket>();
        try
        {
            for (var i = 0; i < Stalled; i++)
            {
                stalled.Add(await ConnectAsync());
                await stalled[i].SendTextAsync("flood", Token);
                Assert.Equal(5, (await stalled[i].ReceiveTextAsync(5, Token)).Length);
            }

            await WaitUntilConstantAsync(() => Interlocked.Read(ref flooded));
            using var neighbour = await ConnectAsync();
            await neighbour.SendTextAsync("fair?", Token);

            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
            deadline.CancelAfter(TimeSpan.FromSeconds(5));
            Assert.Equal("hello", await neighbour.ReceiveToEndAsync(deadline.Token));
        }
        finally
        {
            stalled.ForEach(socket => socket.Reset());
        }
    }

    /// <summary>Waits until a number has not changed for half a second: what fills up is full.</summary>
    private static async Task WaitUntilConstantAsync(Func<long> read)
    {
        var deadline = DateTime.UtcNow + TimeSpan.FromSeconds(20);
        var (value, unchanged) = (-1L, 0);
        while (unchanged < 10)
        {
            Assert.True(DateTime.UtcNow < deadline, $"still growing after 20 s: {value}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), Token);
            (value, unchanged) = read() is var now && now == value ? (value, unchanged + 1) : (now, 0);
        }
    }

    private static async Task<byte[]> ExchangeAsync(Socket socket, byte[] sent, CancellationToken cancellationToken)
    {
        var sending = SendAsync();
        using var received = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await socket.ReceiveAsync(buffer, cancellationToken) is > 0 and var count)
        {
            received.Write(buffer, 0, count);
        }

        await sending;
        return received.ToArray();

        async Task SendAsync()
        {
            for (var rest = sent.AsMemory(); rest.Length > 0;)
            {
                rest = rest[await socket.SendAsync(rest, cancellationToken)..];
            }

            socket.Shutdown(SocketShutdown.Send);
        }
    }

    private Task<Socket> ConnectAsync() => topology.Client.ConnectAsync(topology.Server.IPv4, Port, Token);
}
