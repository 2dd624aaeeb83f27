using System.Net.Sockets;
using System.Security.Cryptography;
using Hbone.Memory;
using Hbone.Proxying;
using Hbone.Proxying.Splicing;

namespace Hbone.Tests.Proxying;

/// <summary>Client, proxy, server on loopback: plain TCP on both sides, copied or spliced.</summary>
internal sealed class SocketCopyRun : IDisposable
{
    /// <summary>More than is always copied at the beginning of a connection.</summary>
    public const int Bulk = 3_000_000;

    private readonly SocketPair _client;
    private readonly SocketPair _server;

    private SocketCopyRun(SocketPair client, SocketPair server, PipePool? pipes)
    {
        (_client, _server, Pipes) = (client, server, pipes);
        Result = SocketCopy.RunAsync(client.Proxy, server.Proxy, Counters, Memory, pipes);
    }

    public Socket Client => _client.Application;

    public Socket Server => _server.Application;

    public Counters Counters { get; } = new();

    public MemoryBudget Memory { get; } = new(1L << 30);

    public PipePool? Pipes { get; }

    public Task<CopyResult> Result { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <param name="pipes">Null for copying. Not owned.</param>
    /// <param name="bufferBytes">Of all four sockets; 0 for the system's.</param>
    public static async Task<SocketCopyRun> StartAsync(PipePool? pipes, int bufferBytes = 0)
    {
        var client = await SocketPair.ConnectAsync(Token);
        var server = await SocketPair.ConnectAsync(Token);
        if (bufferBytes > 0)
        {
            foreach (var socket in new[] { client.Proxy, client.Application, server.Proxy, server.Application })
            {
                socket.SendBufferSize = bufferBytes;
                socket.ReceiveBufferSize = bufferBytes;
            }
        }

        return new SocketCopyRun(client, server, pipes);
    }

    /// <summary>Sends in pieces of random size.</summary>
    public static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> payload)
    {
        var random = new Random(payload.Length);
        while (payload.Length > 0)
        {
            var length = Math.Min(payload.Length, random.Next(1, 300_000));
            payload = payload[await socket.SendAsync(payload[..length], Token)..];
        }
    }

    /// <summary>Reads exactly so much, in pieces of random size up to <paramref name="mostAtOnce"/>.</summary>
    public static async Task<byte[]> ReceiveAsync(Socket socket, int length, int mostAtOnce = 200_000)
    {
        var random = new Random(length);
        var received = new byte[length];
        for (var count = 0; count < length;)
        {
            var room = Math.Min(length - count, random.Next(1, mostAtOnce));
            var read = await socket.ReceiveAsync(received.AsMemory(count, room), Token);
            Assert.NotEqual(0, read);
            count += read;
        }

        return received;
    }

    /// <summary>Sends random payload one way and compares what comes out.</summary>
    public static async Task MoveAsync(Socket from, Socket to, int length)
    {
        var payload = RandomNumberGenerator.GetBytes(length);
        var sending = SendAsync(from, payload);
        var received = await ReceiveAsync(to, length);
        await sending;
        Assert.Equal(SHA256.HashData(payload), SHA256.HashData(received));
    }

    /// <summary>Nothing more comes, and the end is an orderly one.</summary>
    public static async Task AssertEndAsync(Socket socket) =>
        Assert.Equal(0, await socket.ReceiveAsync(new byte[1], Token));

    /// <summary>Nothing more comes, and the end is a reset.</summary>
    public static async Task AssertResetAsync(Socket socket)
    {
        var error = await Assert.ThrowsAsync<SocketException>(
            () => socket.ReceiveAsync(new byte[1], Token).AsTask());
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    /// <summary>Writes until nothing more is taken, and says how much was.</summary>
    public static async Task<long> FillAsync(Socket socket)
    {
        var buffer = new byte[64 * 1024];
        var sent = 0L;
        socket.Blocking = false;
        for (var quiet = 0; quiet < 20;) // 20 times in a row without room: whatever is between has come to rest
        {
            var count = socket.Send(buffer, SocketFlags.None, out var error);
            Assert.True(error is SocketError.Success or SocketError.WouldBlock, $"{error}");
            sent += count;
            quiet = count > 0 ? 0 : quiet + 1;
            if (count == 0)
            {
                await Task.Delay(25, Token);
            }
        }

        return sent;
    }

    public void ResetClient() => _client.Reset();

    public void ResetServer() => _server.Reset();

    /// <summary>What a policy change or the end of a drain does.</summary>
    public void CloseProxySockets()
    {
        SocketReset.Now(_client.Proxy);
        SocketReset.Now(_server.Proxy);
    }

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }
}
