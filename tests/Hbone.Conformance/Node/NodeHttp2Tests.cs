using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Hbone.Conformance.Peers;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Pool;
using Hbone.Tests;
using Hbone.Tests.Http2;
using Hbone.Tls;

namespace Hbone.Conformance.Node;

/// <summary>Node's HTTP/2 stack as CONNECT client of our server and as CONNECT server of our client, over mutual TLS.</summary>
public sealed class NodeHttp2Tests : IDisposable
{
    private static readonly SpiffeId ServerId = new("cluster.local", "default", "server");
    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");

    private const int MaxResetChecks = 10_000;

    private readonly TestCertificates _certificates = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _certificates.Dispose();

    [Theory]
    [InlineData("--streams=1000", "--parallel=100", "--max-bytes=40000")]
    [InlineData("--streams=40", "--parallel=20", "--max-bytes=3000000")]
    [InlineData("--streams=100", "--parallel=50", "--window-size=1000", "--max-bytes=50000")]
    [InlineData("--streams=100", "--parallel=50", "--header-table-size=0", "--max-frame-size=16384")]
    public async Task OurServer_NodeClient_EveryByteComesBack(params string[] options)
    {
        var peers = new ConcurrentBag<SpiffeId>();
        var echoes = new ConcurrentBag<Task>();
        await using var server = EchoServer(peers, echoes);

        var summary = await NodePeer.RunClientAsync(
            _certificates.WritePem(ClientId), server.Address.Port, [$"--peer-id={ServerId}", .. options], Token);

        Assert.Equal(summary.GetProperty("streams").GetArrayLength(), summary.GetProperty("ok").GetInt32());
        Assert.Equal(
            summary.GetProperty("streams").EnumerateArray().Sum(stream => stream.GetProperty("size").GetInt64()),
            summary.GetProperty("bytes").GetInt64());
        Assert.All(peers, peer => Assert.Equal(ClientId, peer));
        await Task.WhenAll(echoes);
    }

    [Theory]
    [InlineData("--mode=echo")]
    [InlineData("--mode=echo", "--max-streams=5")]
    [InlineData("--mode=echo", "--window-size=1000")]
    [InlineData("--mode=echo", "--max-frame-size=16384", "--header-table-size=0")]
    public async Task OurClient_NodeServer_EveryByteComesBack(params string[] options)
    {
        await using var server = await NodePeer.StartServerAsync(_certificates.WritePem(ServerId), options, Token);
        await using var pool = PoolTo();

        var echoes = Enumerable.Range(0, 60).Select(i => EchoAsync(pool, server.Port, size: 1 + (i * 9973))).ToList();

        Assert.All(await Task.WhenAll(echoes), Assert.True);
    }

    [Fact]
    public async Task OurClient_NodeServer_SeesOurRequestAndIdentity()
    {
        await using var server = await NodePeer.StartServerAsync(_certificates.WritePem(ServerId), ["--mode=echo"], Token);
        await using var pool = PoolTo();

        await EchoAsync(pool, server.Port, size: 10);

        var report = await server.ReadReportAsync("stream", Token);
        Assert.Equal($"URI:{ClientId}", report.GetProperty("peer").GetString());
        Assert.Equal("10.0.0.1:80", report.GetProperty("headers").GetProperty(":authority").GetString());
        Assert.Equal("CONNECT", report.GetProperty("headers").GetProperty(":method").GetString());
    }

    [Fact]
    public async Task OurClient_NodeServerRefuses_StatusIsReported()
    {
        await using var server = await NodePeer.StartServerAsync(_certificates.WritePem(ServerId), ["--status=503"], Token);
        await using var pool = PoolTo();

        var e = await Assert.ThrowsAsync<HboneStatusException>(() => OpenAsync(pool, server.Port));

        Assert.Equal(503, e.Status);
    }

    [Fact]
    public async Task OurClient_NodeServerResets_StreamFailsWithItsCode()
    {
        await using var server = await NodePeer.StartServerAsync(
            _certificates.WritePem(ServerId), ["--mode=echo", "--reset-after=1", "--reset-code=10"], Token);
        await using var pool = PoolTo();
        var tunnel = await OpenAsync(pool, server.Port);

        await tunnel.Stream.SendAsync(new byte[100]);
        await tunnel.Stream.ReadAllAsync();

        // Node ends its side before it resets the stream.
        for (var i = 0; i < MaxResetChecks && tunnel.Stream.Failure is null; i++)
        {
            await Task.Delay(1, Token);
        }

        Assert.Equal(Http2ErrorCode.ConnectError, tunnel.Stream.Failure?.Code);
    }

    private static Task<HboneTunnel> OpenAsync(HbonePool pool, int port) => pool.OpenAsync(
        new HbonePoolKey(ClientId, [ServerId], new IPEndPoint(IPAddress.Loopback, port), IPAddress.Loopback),
        new HeaderField[] { new(":method", "CONNECT"), new(":authority", "10.0.0.1:80") },
        Token).AsTask();

    private static async Task<bool> EchoAsync(HbonePool pool, int port, int size)
    {
        var tunnel = await OpenAsync(pool, port);
        var payload = RandomNumberGenerator.GetBytes(size);
        var sending = SendAndEndAsync(tunnel.Stream, payload);
        var (received, _) = await tunnel.Stream.ReadAllAsync();
        await sending;
        return received.AsSpan().SequenceEqual(payload);
    }

    private static async Task SendAndEndAsync(Http2Stream stream, byte[] payload)
    {
        await stream.SendAsync(payload);
        stream.CompleteWrites();
    }

    private HbonePool PoolTo()
    {
        var certificate = _certificates.Issue(ClientId);
        return new HbonePool(
            new HbonePoolOptions(),
            new HboneEndpointOptions(),
            static async (key, token) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(key.Destination, token);
                return socket;
            },
            (_, _) => ValueTask.FromResult(certificate),
            TimeProvider.System);
    }

    private HboneServer EchoServer(ConcurrentBag<SpiffeId> peers, ConcurrentBag<Task> echoes) => new(
        _certificates.Issue(ServerId),
        request =>
        {
            peers.Add(request.PeerIds[0]);
            echoes.Add(EchoBackAsync(request));
        });

    private static async Task EchoBackAsync(ConnectRequest request)
    {
        request.Accept();
        while (await request.Stream.ReadAsync() is { Kind: StreamReadKind.Data } read)
        {
            await request.Stream.SendAsync(read.Data);
            request.Stream.Return(read);
        }

        request.Stream.CompleteWrites();
    }
}
