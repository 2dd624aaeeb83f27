using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Proxying;
using Hbone.Tests.Http2.Requirements;
using Hbone.Tls;

namespace Hbone.Tests.Proxying;

/// <summary>Application, tunnel, application: whole bytes, half-close and resets. D9 of the data path's statements.</summary>
public sealed class TunnelCopyTests : IAsyncDisposable
{
    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");
    private static readonly SpiffeId ServerId = new("cluster.local", "default", "server");

    private readonly TestCertificates _certificates = new();
    private readonly TaskCompletionSource<CopyResult> _serverResult = new();
    private readonly Counters _serverCounters = new();
    private readonly Counters _clientCounters = new();
    private readonly Socket _application = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly HboneServer _server;
    private readonly List<Socket> _ends = []; // what nothing refers to any more is finalized, which resets the connection
    private Http2Connection? _connection;

    public TunnelCopyTests()
    {
        _application.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _application.Listen(16);
        _server = new HboneServer(_certificates.Issue(ServerId), request => _ = ServeAsync(request));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
        {
            await _connection.DisposeAsync();
        }

        await _server.DisposeAsync();
        _application.Dispose();
        _ends.ForEach(end => end.Dispose());
        _certificates.Dispose();
    }

    [Fact]
    public async Task D9_MillionsOfBytesWithRandomSizes_ArriveWhole()
    {
        const int Length = 6_400_000 * 4;
        var (client, server, clientResult) = await OpenAsync();
        var pattern = new byte[Length];
        new Random(1).NextBytes(pattern);

        var sending = SendInPiecesAsync(client, pattern);
        var received = await ReceiveToEndAsync(server, seed: 2);
        await sending;
        server.Shutdown(SocketShutdown.Both);
        await ReceiveToEndAsync(client, seed: 3);

        Assert.Equal(SHA256.HashData(pattern), SHA256.HashData(received));
        Assert.Equal(new CopyResult(null, null), await clientResult);
        Assert.Equal(new CopyResult(null, null), await _serverResult.Task);
        Assert.Equal(((long)Length, 0L), (_clientCounters.Received, _clientCounters.Sent));
        Assert.Equal(((long)Length, 0L), (_serverCounters.Received, _serverCounters.Sent));
    }

    [Fact]
    public async Task BothDirectionsAtOnce_ArriveWhole()
    {
        var (client, server, _) = await OpenAsync();
        var up = RandomNumberGenerator.GetBytes(8_000_000);
        var down = RandomNumberGenerator.GetBytes(9_000_000);

        var sendingUp = SendInPiecesAsync(client, up);
        var sendingDown = SendInPiecesAsync(server, down);
        var receivingUp = ReceiveToEndAsync(server, seed: 5);
        var receivedDown = await ReceiveToEndAsync(client, seed: 6);
        await Task.WhenAll(sendingUp, sendingDown);

        Assert.Equal(SHA256.HashData(up), SHA256.HashData(await receivingUp));
        Assert.Equal(SHA256.HashData(down), SHA256.HashData(receivedDown));
    }

    [Fact]
    public async Task HalfClose_OtherDirectionGoesOn()
    {
        var (client, server, _) = await OpenAsync();

        await client.SendAsync("question"u8.ToArray(), Token);
        client.Shutdown(SocketShutdown.Send);
        var question = await ReceiveToEndAsync(server, seed: 1);
        await server.SendAsync("answer"u8.ToArray(), Token);
        server.Shutdown(SocketShutdown.Send);

        var answer = await ReceiveToEndAsync(client, seed: 1);

        Assert.Equal("question"u8, question);
        Assert.Equal("answer"u8, answer);
    }

    [Fact]
    public async Task ClientReset_ServerSeesReset()
    {
        var (client, server, clientResult) = await OpenAsync();
        await client.SendAsync("x"u8.ToArray(), Token);
        await server.ReceiveAsync(new byte[1], Token);

        client.LingerState = new LingerOption(true, 0);
        client.Dispose();

        var e = await Assert.ThrowsAsync<SocketException>(() => server.ReceiveAsync(new byte[1], Token).AsTask());
        Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
        AssertBroken(await clientResult, down: false);
        AssertBroken(await _serverResult.Task, down: false);
    }

    [Fact]
    public async Task ServerReset_ClientGetsWhatWasSentThenReset()
    {
        var (client, server, clientResult) = await OpenAsync();
        await server.SendAsync("last words"u8.ToArray(), Token);
        var heard = new byte[10];
        await client.ReceiveAsync(heard, Token);

        server.LingerState = new LingerOption(true, 0);
        server.Dispose();

        var e = await Assert.ThrowsAsync<SocketException>(() => client.ReceiveAsync(new byte[1], Token).AsTask());
        Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
        Assert.Equal("last words"u8, heard);
        AssertBroken(await clientResult, down: true);
        AssertBroken(await _serverResult.Task, down: true);
    }

    /// <summary>A policy or the end of a drain may strike before the first byte.</summary>
    [Fact]
    public async Task SocketThatWasClosedBefore_EndsTheTunnel()
    {
        await OpenAsync();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Dispose();
        var tunnel = _connection!.TryOpen([new HeaderField(":method", "CONNECT"), new(":authority", "10.0.0.1:80")])!;

        var result = await TunnelCopy.RunAsync(tunnel, socket, socketIsClient: true, new Counters());

        Assert.IsType<ObjectDisposedException>(result.Up);
        Assert.IsType<Http2StreamException>(tunnel.Failure);
    }

    [Fact]
    [Requirement("9113-8.5-5")]
    public async Task TunnelBreaks_BothApplicationsSeeReset()
    {
        var (client, server, _) = await OpenAsync();

        await _connection!.DisposeAsync();

        await Assert.ThrowsAsync<SocketException>(() => client.ReceiveAsync(new byte[1], Token).AsTask());
        await Assert.ThrowsAsync<SocketException>(() => server.ReceiveAsync(new byte[1], Token).AsTask());
    }

    [Fact]
    public async Task TunnelBreaks_AfterOneApplicationsEnd_TheSilentOtherSeesReset()
    {
        var (client, server, clientResult) = await OpenAsync();
        client.Shutdown(SocketShutdown.Send);
        Assert.Empty(await ReceiveToEndAsync(server, seed: 1));

        await _connection!.DisposeAsync();

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        Assert.IsType<Http2ConnectionException>((await _serverResult.Task.WaitAsync(limit.Token)).Down);
        await clientResult.WaitAsync(limit.Token);
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            while (true)
            {
                await server.SendAsync(new byte[1], limit.Token);
                await Task.Yield();
            }
        });
    }

    [Fact]
    [Requirement("9113-5.2.2-1")]
    public async Task StalledReader_LeavesNeighboursAlone()
    {
        var (stalled, silent, _) = await OpenAsync();
        var filling = FillAsync(stalled);

        var (client, server, _) = await OpenAsync();
        var payload = RandomNumberGenerator.GetBytes(32 * 1024 * 1024);
        var sending = SendInPiecesAsync(client, payload);
        var received = await ReceiveToEndAsync(server, seed: 9);
        await sending;

        Assert.Equal(SHA256.HashData(payload), SHA256.HashData(received));
        Assert.False(filling.IsCompleted);
        stalled.Dispose();
        silent.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => filling);
    }

    // The way that the reset came by, not the other one, which we ended because of it.
    private static void AssertBroken(CopyResult result, bool down)
    {
        Assert.NotNull(down ? result.Down : result.Up);
        Assert.Equal(down, result.DownFirst);
    }

    private static async Task FillAsync(Socket socket)
    {
        var buffer = new byte[64 * 1024];
        while (true)
        {
            await socket.SendAsync(buffer, CancellationToken.None);
        }
    }

    private static async Task SendInPiecesAsync(Socket socket, byte[] payload)
    {
        var random = new Random(payload.Length);
        for (var sent = 0; sent < payload.Length;)
        {
            var length = Math.Min(payload.Length - sent, random.Next(1, 300_000));
            sent += await socket.SendAsync(payload.AsMemory(sent, length), Token);
        }

        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task<byte[]> ReceiveToEndAsync(Socket socket, int seed)
    {
        var random = new Random(seed);
        using var received = new MemoryStream();
        var buffer = new byte[200_000];
        while (await socket.ReceiveAsync(buffer.AsMemory(0, random.Next(1, buffer.Length)), Token) is var read and > 0)
        {
            received.Write(buffer, 0, read);
        }

        return received.ToArray();
    }

    private async Task<(Socket Client, Socket Server, Task<CopyResult> ClientResult)> OpenAsync()
    {
        _connection ??= await HboneEndpoint.ConnectAsync(
            await DialAsync(_server.Address), _certificates.Issue(ClientId), [ServerId], new(), TimeProvider.System, Token);
        var stream = _connection.TryOpen([new HeaderField(":method", "CONNECT"), new(":authority", "10.0.0.1:80")]);
        Assert.NotNull(stream);
        Assert.Equal(200, (await _connection.WaitAnswerAsync(stream)).Status);

        using var front = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        front.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        front.Listen(1);
        var client = await DialAsync((IPEndPoint)front.LocalEndPoint!);
        var accepted = await front.AcceptAsync(Token);
        var copying = TunnelCopy.RunAsync(stream, accepted, socketIsClient: true, _clientCounters);
        var server = await _application.AcceptAsync(Token);
        _ends.AddRange([client, server]);
        return (client, server, copying);
    }

    private static async Task<Socket> DialAsync(IPEndPoint address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address, Token);
        return socket;
    }

    private async Task ServeAsync(ConnectRequest request)
    {
        var upstream = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await upstream.ConnectAsync(_application.LocalEndPoint!);
        request.Accept();
        _serverResult.TrySetResult(
            await TunnelCopy.RunAsync(request.Stream, upstream, socketIsClient: false, _serverCounters));
    }
}
