using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Pool;
using Hbone.Tls;

namespace Hbone.Tests.Pool;

/// <summary>
/// P1 to P10 of the data path's acceptance statements, over real connections. Where they say that a full connection is
/// never used again, ours is.
/// </summary>
public sealed class HbonePoolTests : IAsyncDisposable
{
    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");
    private static readonly SpiffeId ServerId = new("cluster.local", "default", "server");
    private static readonly TimeSpan SoonUnused = TimeSpan.FromMilliseconds(100);

    private readonly TestCertificates _certificates = new();
    private readonly ConcurrentQueue<ConnectRequest> _requests = new();
    private readonly HboneServer _server;
    private HbonePool? _pool;
    private int _dials;

    public HbonePoolTests() => _server = new HboneServer(_certificates.Issue(ServerId), Accept);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_pool is not null)
        {
            await _pool.DisposeAsync();
        }

        await _server.DisposeAsync();
        _certificates.Dispose();
    }

    [Fact]
    public async Task P1_TwoConcurrentThenTwoMore_ShareOneConnection()
    {
        await using (var pool = PoolOf(maxStreams: 3))
        {
            var first = await OpenAsync(pool, 2);
            await FinishAsync(first);
            var second = await OpenAsync(pool, 2);

            Assert.Equal(1, _server.Established);
            await FinishAsync(second);
        }

        await Eventually.TrueAsync(() => _server.Alive == 0);
    }

    [Fact]
    public async Task P3_DifferentKeys_DifferentConnections()
    {
        var pool = PoolOf(maxStreams: 100);

        await pool.OpenAsync(KeyFor(IPAddress.Parse("10.0.0.1")), Request, Token);
        await pool.OpenAsync(KeyFor(IPAddress.Parse("10.0.0.2")), Request, Token);

        Assert.Equal(2, _server.Established);
    }

    [Fact]
    public async Task P4_FourAtLimitTwo_TwoConnectionsThatServeAgain()
    {
        var pool = PoolOf(maxStreams: 2);

        var first = await OpenAsync(pool, 4);
        Assert.Equal(2, _server.Established);
        await FinishAsync(first);
        await Eventually.TrueAsync(
            () => _server.Connections.Count == 2 && _server.Connections.All(c => c.ActiveStreams == 0));
        var second = await OpenAsync(pool, 5);

        Assert.Equal(3, _server.Established);
        await FinishAsync(second);
    }

    [Fact]
    public async Task P4_UnusedConnections_AreClosed()
    {
        var pool = PoolOf(maxStreams: 2, SoonUnused);

        await FinishAsync(await OpenAsync(pool, 4));

        await Eventually.TrueAsync(() => _server.Alive == 0);
    }

    [Fact]
    public async Task P5_GoAwayOnIdleConnection_NextRequestGetsAnother()
    {
        var pool = PoolOf(maxStreams: 100);
        await FinishAsync(await OpenAsync(pool, 1));

        await Eventually.TrueAsync(() => _server.Connections.Count == 1);
        Assert.Single(_server.Connections).Drain();

        await Eventually.TrueAsync(() => _server.Alive == 0);
        await OpenAsync(pool, 1);

        Assert.Equal(2, _server.Established);
        Assert.Equal(1, _server.Alive);
    }

    [Fact]
    public async Task P6_LimitOne_AConnectionForEachStream()
    {
        var pool = PoolOf(maxStreams: 1, SoonUnused);

        var tunnels = await OpenAsync(pool, 2);

        Assert.Equal(2, _server.Established);
        await FinishAsync(tunnels);
        await Eventually.TrueAsync(() => _server.Alive == 0);
    }

    [Fact]
    public async Task P7_HundredConcurrentBelowTheLimit_OneConnection()
    {
        var pool = PoolOf(maxStreams: 101);

        await OpenAsync(pool, 100);

        Assert.Equal(1, _server.Established);
    }

    [Fact]
    public async Task P8_HundredKeys_HundredConnections()
    {
        var pool = PoolOf(maxStreams: 100);

        await Task.WhenAll(Enumerable.Range(1, 100).Select(
            i => pool.OpenAsync(KeyFor(new IPAddress([10, 0, 0, (byte)i])), Request, Token).AsTask()));

        Assert.Equal(100, _server.Established);
    }

    [Fact]
    public async Task P8_ThreeHundredRequestsOverThreeKeys_ThreeConnections()
    {
        var pool = PoolOf(maxStreams: 100);

        await Task.WhenAll(Enumerable.Range(0, 300).Select(
            i => pool.OpenAsync(KeyFor(new IPAddress([10, 0, 0, (byte)(i % 3)])), Request, Token).AsTask()));

        Assert.Equal(3, _server.Established);
    }

    [Fact]
    public async Task P9_IdleForTheConfiguredTime_Closed()
    {
        var pool = PoolOf(maxStreams: 100, SoonUnused);

        await FinishAsync(await OpenAsync(pool, 1));

        await Eventually.TrueAsync(() => _server is { Established: 1, Alive: 0 });
    }

    [Fact]
    public async Task P10_LongLivedStream_KeepsItsConnectionAndNotTheOverflow()
    {
        var pool = PoolOf(maxStreams: 2, SoonUnused);
        var longLived = await OpenAsync(pool, 1);
        var others = await OpenAsync(pool, 2);
        Assert.Equal(2, _server.Established);

        await FinishAsync(others);
        await Eventually.TrueAsync(() => _server.Alive == 1);
        Assert.Null(longLived[0].Stream.Failure);
        await FinishAsync(longLived);

        await Eventually.TrueAsync(() => _server.Alive == 0);
    }

    [Fact]
    public async Task FailedAttempt_ReachesAllWaiters()
    {
        var failing = new HbonePool(
            new HbonePoolOptions(),
            new HboneEndpointOptions(),
            async (_, token) =>
            {
                Interlocked.Increment(ref _dials);
                await Task.Delay(50, token);
                throw new SocketException((int)SocketError.ConnectionRefused);
            },
            (_, _) => ValueTask.FromResult(_certificates.Issue(ClientId)),
            TimeProvider.System);
        _pool = failing;

        var waiters = Enumerable.Range(0, 20).Select(_ => failing.OpenAsync(Key, Request, Token).AsTask()).ToList();

        foreach (var waiter in waiters)
        {
            await Assert.ThrowsAsync<HboneConnectException>(() => waiter);
        }

        Assert.Equal(1, _dials);
    }

    [Fact]
    public async Task RequestsRacingWithGoAway_AreSentAgain()
    {
        var pool = PoolOf(maxStreams: 100);
        var opened = 0;

        for (var round = 0; round < 20; round++)
        {
            var opening = Enumerable.Range(0, 20).Select(_ => OpenAsync(pool, 1)).ToList();
            foreach (var connection in _server.Connections)
            {
                connection.Drain();
            }

            foreach (var tunnels in opening)
            {
                await FinishAsync(await tunnels);
                opened++;
            }
        }

        Assert.Equal(400, opened);
    }

    [Fact]
    public async Task WrongIdentity_NamesWantedAndGot()
    {
        var pool = PoolOf(maxStreams: 100);
        var wanted = new SpiffeId("cluster.local", "default", "somebody-else");

        var e = await Assert.ThrowsAsync<HboneTlsException>(
            () => pool.OpenAsync(Key with { Expected = [wanted] }, Request, Token).AsTask());

        Assert.Equal(
            "invalid peer certificate: identity verification error: "
                + $"peer did not present the expected SAN ({wanted}), got {ServerId}",
            e.Message);
    }

    [Fact]
    public async Task UnansweredConnect_TimesOutAndIsReset()
    {
        await using var silent = new HboneServer(_certificates.Issue(ServerId), _requests.Enqueue);
        var pool = PoolOf(new HbonePoolOptions { ResponseTimeout = TimeSpan.FromMilliseconds(200) });

        await Assert.ThrowsAsync<HboneAnswerTimeoutException>(
            () => pool.OpenAsync(Key with { Destination = silent.Address }, Request, Token).AsTask());

        Assert.True(_requests.TryDequeue(out var request));
        await Eventually.TrueAsync(() => request.Stream.Failure is Http2StreamException { Code: Http2ErrorCode.Cancel });
    }

    private static HeaderField[] Request { get; } = [new(":method", "CONNECT"), new(":authority", "10.0.0.1:80")];

    private HbonePoolKey Key => KeyFor(IPAddress.Loopback);

    private static void Accept(ConnectRequest request) => Echo(request).ContinueWith(
        _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    // Reads to the end, then ends its own side.
    private static async Task Echo(ConnectRequest request)
    {
        request.Accept();
        while (true)
        {
            StreamRead read;
            while (!request.Stream.TryRead(out read))
            {
                await request.Stream.WaitReadableAsync();
            }

            if (read.Kind != StreamReadKind.Data)
            {
                request.Stream.CompleteWrites();
                return;
            }

            request.Stream.Return(read);
        }
    }

    private static async Task<List<HboneTunnel>> OpenAsync(HbonePool pool, HbonePoolKey key, int count)
    {
        var opening = Enumerable.Range(0, count).Select(_ => pool.OpenAsync(key, Request, Token).AsTask());
        return [.. await Task.WhenAll(opening)];
    }

    // Ends both sides, so that the tunnels are over for the pool too.
    private static async Task FinishAsync(List<HboneTunnel> tunnels)
    {
        foreach (var tunnel in tunnels)
        {
            tunnel.Stream.CompleteWrites();
            await tunnel.Stream.WaitReadableAsync();
            Assert.True(tunnel.Stream.TryRead(out var read));
            Assert.Equal(StreamReadKind.End, read.Kind);
        }
    }

    private Task<List<HboneTunnel>> OpenAsync(HbonePool pool, int count) => OpenAsync(pool, Key, count);

    private HbonePoolKey KeyFor(IPAddress client) => new(ClientId, [ServerId], _server.Address, client);

    private HbonePool PoolOf(int maxStreams, TimeSpan? unusedRelease = null) => PoolOf(new HbonePoolOptions
    {
        MaxStreamsPerConnection = maxStreams,
        UnusedReleaseTimeout = unusedRelease ?? TimeSpan.FromMinutes(5),
    });

    private HbonePool PoolOf(HbonePoolOptions options)
    {
        var certificate = _certificates.Issue(ClientId);
        return _pool = new HbonePool(
            options,
            new HboneEndpointOptions(),
            DialAsync,
            (_, _) => ValueTask.FromResult(certificate),
            TimeProvider.System);
    }

    private static async ValueTask<Socket> DialAsync(HbonePoolKey key, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(key.Destination, cancellationToken);
        return socket;
    }
}
