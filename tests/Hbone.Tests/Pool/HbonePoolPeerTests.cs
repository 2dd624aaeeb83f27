using System.Net;
using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Pool;
using Hbone.Tests.Http2;
using Hbone.Tls;

namespace Hbone.Tests.Pool;

/// <summary>What the pool does with peers that refuse, go away, break or allow little. Frames made by hand.</summary>
public sealed class HbonePoolPeerTests : IAsyncDisposable
{
    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");
    private static readonly SpiffeId ServerId = new("cluster.local", "default", "server");
    private static readonly HeaderField[] Request = [new(":method", "CONNECT"), new(":authority", "10.0.0.1:80")];

    private readonly TestCertificates _certificates = new();
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<RawPeer> _peers = [];
    private readonly HbonePool _pool;
    private int _dials;

    public HbonePoolPeerTests()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(64);
        var certificate = _certificates.Issue(ClientId);
        _pool = new HbonePool(
            new HbonePoolOptions(),
            new HboneEndpointOptions(),
            DialAsync,
            (_, _) => ValueTask.FromResult(certificate),
            TimeProvider.System);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _peers)
        {
            await peer.DisposeAsync();
        }

        await _pool.DisposeAsync();
        _listener.Dispose();
        _certificates.Dispose();
    }

    [Fact]
    public async Task Section68_GoAwayBelowTheConnect_SentAgainOnAFreshConnection()
    {
        var opening = OpenAsync();
        var first = await AcceptAsync();
        await first.ReadAsync(FrameType.Headers);

        await first.SendAsync(RawFrame.GoAway(0, Http2ErrorCode.NoError));

        var second = await AcceptAsync();
        var request = await second.ReadAsync(FrameType.Headers);
        await second.SendAsync(Answer(request.StreamId));
        Assert.Equal(200, (await opening).Answer.Status);
    }

    [Fact]
    public async Task Section87_RefusedStream_SentAgainOnTheSameConnection()
    {
        var opening = OpenAsync();
        var peer = await AcceptAsync();
        await peer.ReadAsync(FrameType.Headers);

        await peer.SendAsync(RawFrame.Reset(1, Http2ErrorCode.RefusedStream));

        Assert.Equal(3, (await peer.ReadAsync(FrameType.Headers)).StreamId);
        await peer.SendAsync(Answer(3));
        Assert.Equal(3, (await opening).Stream.Id);
        Assert.Equal(1, _dials);
    }

    [Fact]
    public async Task Section87_RefusedAgainAndAgain_FailsWithTheReason()
    {
        var opening = OpenAsync();
        var peer = await AcceptAsync();
        for (var id = 1; id <= 5; id += 2)
        {
            await peer.ReadAsync(f => f.Type == FrameType.Headers && f.StreamId == id);
            await peer.SendAsync(RawFrame.Reset(id, Http2ErrorCode.RefusedStream));
        }

        var e = await Assert.ThrowsAsync<HboneProtocolException>(() => opening);
        Assert.Contains("RefusedStream", e.Message, StringComparison.Ordinal);
        Assert.True(e.IsUnprocessed);
    }

    [Fact]
    public async Task ResetForAnotherReason_MayHaveBeenProcessed()
    {
        var opening = OpenAsync();
        var peer = await AcceptAsync();
        await peer.ReadAsync(FrameType.Headers);

        await peer.SendAsync(RawFrame.Reset(1, Http2ErrorCode.InternalError));

        Assert.False((await Assert.ThrowsAsync<HboneProtocolException>(() => opening)).IsUnprocessed);
    }

    [Fact]
    public async Task PatienceIsOver_TheConnectionIsLeftToThoseWhoComeLater()
    {
        var e = await Assert.ThrowsAsync<HboneConnectException>(
            () => _pool.OpenAsync(Key, Request, Token, TimeSpan.FromMilliseconds(1)).AsTask());
        Assert.True(e.TimedOut);
        Assert.Equal("deadline has elapsed", e.InnerException!.Message);

        var opening = OpenAsync();
        var peer = await AcceptAsync();
        await peer.SendAsync(Answer((await peer.ReadAsync(FrameType.Headers)).StreamId));

        Assert.Equal(1, (await opening).Stream.Id);
        Assert.Equal(1, _dials);
    }

    [Fact]
    public async Task OlderConnectionBreaksBeforeTheAnswer_SentAgainOnAFreshConnection()
    {
        var first = OpenAsync();
        var peer = await AcceptAsync();
        await peer.SendAsync(Answer((await peer.ReadAsync(FrameType.Headers)).StreamId));
        await first;
        var second = OpenAsync();
        await peer.ReadAsync(FrameType.Headers);

        await peer.Tls.DisposeAsync();

        var fresh = await AcceptAsync();
        await fresh.SendAsync(Answer((await fresh.ReadAsync(FrameType.Headers)).StreamId));
        Assert.Equal(200, (await second).Answer.Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EveryConnectionEndsAtOnce_FailsInsteadOfDialingForever(bool byGoAway)
    {
        var opening = OpenAsync();
        while (!opening.IsCompleted && _dials < 50)
        {
            var accepting = RawPeer.AcceptAsync(_listener, _certificates.Issue(ServerId));
            if (await Task.WhenAny(accepting, opening) == opening)
            {
                break;
            }

            var peer = await accepting;
            _peers.Add(peer);
            await peer.SendAsync(RawFrame.Settings(), byGoAway ? RawFrame.GoAway(0, Http2ErrorCode.NoError) : []);
            if (!byGoAway)
            {
                await peer.Tls.DisposeAsync();
            }
        }

        var failure = await Assert.ThrowsAsync<HboneProtocolException>(() => opening);
        Assert.True(failure.IsUnprocessed || !byGoAway); // a close may come after the request was sent, GOAWAY says that it was not read
        Assert.InRange(_dials, 1, 9); // three connections for each of three attempts at the most
    }

    [Fact]
    public async Task ConnectionBreaksBeforeTheAnswer_Fails()
    {
        var opening = OpenAsync();
        var peer = await AcceptAsync();
        await peer.ReadAsync(FrameType.Headers);

        await peer.DisposeAsync();

        await Assert.ThrowsAsync<HboneProtocolException>(() => opening);
    }

    [Fact]
    public async Task Section652_PeerAllowsTwoStreams_TheOthersGetConnectionsOfTheirOwn()
    {
        var opening = Enumerable.Range(0, 10).Select(_ => OpenAsync()).ToList();
        var answering = new List<Task>();
        for (var i = 0; i < 5; i++)
        {
            answering.Add(AnswerTwoAsync(await AcceptAsync((3, 2))));
        }

        var tunnels = await Task.WhenAll(opening).WaitAsync(TimeSpan.FromSeconds(20), Token);

        Assert.Equal(10, tunnels.Length);
        Assert.Equal(5, _dials);
        await _pool.DisposeAsync();
        await Task.WhenAll(answering);
    }

    [Fact]
    public async Task Section652_PeerAllowsNoStreams_FailsInsteadOfDialingForever()
    {
        var opening = OpenAsync();
        var peer = await AcceptAsync((3, 0));
        var wasSent = false;
        await peer.ReadAsync(f =>
        {
            wasSent |= f.Type == FrameType.Headers;
            return f.Type == FrameType.Settings && f.Has(RawFrame.Ack);
        });
        if (wasSent)
        {
            await peer.SendAsync(RawFrame.Reset(1, Http2ErrorCode.RefusedStream));
        }

        var e = await Assert.ThrowsAsync<HboneProtocolException>(() => opening);

        Assert.Contains("allows no streams", e.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<HboneProtocolException>(OpenAsync);
        Assert.Equal(1, _dials);
    }

    [Fact]
    public async Task GivenUpByTheCaller_ResetAtOnce()
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var opening = _pool.OpenAsync(Key, Request, giveUp.Token).AsTask();
        var peer = await AcceptAsync();
        await peer.ReadAsync(FrameType.Headers);

        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
        Assert.Equal(RawFrame.Reset(1, Http2ErrorCode.Cancel), (await peer.ReadAsync(FrameType.RstStream)).ToBytes());
    }

    [Fact]
    public async Task OtherStatus_TheStatusAndAReset()
    {
        var opening = OpenAsync();
        var peer = await AcceptAsync();
        await peer.ReadAsync(FrameType.Headers);

        await peer.SendAsync(RawFrame.Headers(1, endStream: true, (":status", "503")));

        Assert.Equal(503, (await Assert.ThrowsAsync<HboneStatusException>(() => opening)).Status);
        Assert.Equal(RawFrame.Reset(1, Http2ErrorCode.Cancel), (await peer.ReadAsync(FrameType.RstStream)).ToBytes());
    }

    [Fact]
    public async Task HeaderThatIsNoOctets_GivesItsPlaceBack()
    {
        var opening = OpenAsync();
        var peer = await AcceptAsync();
        await peer.ReadAsync(FrameType.Headers);
        await peer.SendAsync(Answer(1));
        await opening;

        for (var i = 0; i < 200; i++)
        {
            await Assert.ThrowsAsync<ArgumentException>(
                () => _pool.OpenAsync(Key, (HeaderField[])[.. Request, new("baggage", "\u2713")], Token).AsTask());
        }

        var next = OpenAsync();
        await peer.SendAsync(Answer((await peer.ReadAsync(FrameType.Headers)).StreamId));
        await next;
        Assert.Equal(1, _dials);
    }

    [Fact]
    public async Task DisposedWithLiveTunnelOnAConnectionThatIsGoingAway_ThatEndsToo()
    {
        var opening = OpenAsync();
        var first = await AcceptAsync();
        await first.ReadAsync(FrameType.Headers);
        await first.SendAsync(Answer(1), RawFrame.GoAway(1, Http2ErrorCode.NoError));
        var tunnel = await opening;
        var next = OpenAsync();
        var second = await AcceptAsync();
        await second.SendAsync(Answer((await second.ReadAsync(FrameType.Headers)).StreamId));
        await next;

        await _pool.DisposeAsync();

        Assert.NotNull(tunnel.Stream.Failure);
        Assert.Equal(Http2ErrorCode.NoError, await first.ReadGoAwayAsync());
    }

    [Fact]
    public async Task DisposedWhileConnecting_LeavesNoConnection()
    {
        var opening = OpenAsync();
        using var accepted = await _listener.AcceptAsync(Token);

        await _pool.DisposeAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => opening);
        while (await accepted.ReceiveAsync(new byte[4_096], Token) > 0)
        {
        }
    }

    private static byte[] Answer(int streamId) => RawFrame.Headers(streamId, false, (":status", "200"));

    // As a server with MAX_CONCURRENT_STREAMS 2 does: the third is refused.
    private static async Task AnswerTwoAsync(RawPeer peer)
    {
        for (var answered = 0; await peer.ReadAsync() is { } frame;)
        {
            if (frame.Type == FrameType.Headers)
            {
                await peer.SendAsync(
                    answered++ < 2 ? Answer(frame.StreamId) : RawFrame.Reset(frame.StreamId, Http2ErrorCode.RefusedStream));
            }
        }
    }

    private HbonePoolKey Key => new(ClientId, [ServerId], (IPEndPoint)_listener.LocalEndPoint!, IPAddress.Loopback);

    private Task<HboneTunnel> OpenAsync() => _pool.OpenAsync(Key, Request, Token).AsTask();

    private async Task<RawPeer> AcceptAsync(params (int Id, uint Value)[] settings)
    {
        var peer = await RawPeer.AcceptAsync(_listener, _certificates.Issue(ServerId));
        _peers.Add(peer);
        await peer.ReadPrefaceAsync();
        await peer.SendAsync(RawFrame.Settings(settings));
        return peer;
    }

    private async ValueTask<Socket> DialAsync(HbonePoolKey key, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _dials);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(key.Destination, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
