using System.Net;
using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Pool;
using Hbone.Tests.Http2;
using Hbone.Tls;

namespace Hbone.Tests.Pool;

/// <summary>What is left of a pool's connections when nobody wants them any more.</summary>
public sealed class PoolCloseTests : IAsyncDisposable
{
    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");
    private static readonly SpiffeId ServerId = new("cluster.local", "default", "server");
    private static readonly HeaderField[] Request = [new(":method", "CONNECT"), new(":authority", "10.0.0.1:80")];

    private readonly TestCertificates _certificates = new();
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<RawPeer> _peers = [];

    public PoolCloseTests()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(64);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private HbonePoolKey Key => new(ClientId, [ServerId], (IPEndPoint)_listener.LocalEndPoint!, IPAddress.Loopback);

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _peers)
        {
            await peer.DisposeAsync();
        }

        _listener.Dispose();
        _certificates.Dispose();
    }

    [Fact]
    public async Task PeersThatNeverClose_AreLeftTogether()
    {
        const int Peers = 30; // a second each, if one waited for the other
        await using var pool = Pool(new HbonePoolOptions { SharesConnections = false });
        for (var i = 0; i < Peers; i++)
        {
            var opening = pool.OpenAsync(Key, Request, Token).AsTask();
            var peer = await RawPeer.AcceptHttp2Async(_listener, _certificates.Issue(ServerId));
            _peers.Add(peer);
            await peer.SendAsync(RawFrame.Headers(1, endStream: false, (":status", "200")));
            await opening;
        }

        await pool.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(Peers * 2 / 3), Token);

        foreach (var peer in _peers)
        {
            Assert.Equal(Http2ErrorCode.NoError, await peer.ReadGoAwayAsync());
        }
    }

    [Fact]
    public async Task UnsharedConnectionWhoseCallerWentAway_IsClosedWhenItIsMade()
    {
        await using var pool = Pool(new HbonePoolOptions { SharesConnections = false });
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var opening = pool.OpenAsync(Key, Request, giveUp.Token).AsTask();

        await giveUp.CancelAsync();
        var peer = await RawPeer.AcceptAsync(_listener, _certificates.Issue(ServerId));
        _peers.Add(peer);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
        await peer.ReadPrefaceAsync();
        await peer.ReadAsync(FrameType.GoAway);
    }

    private HbonePool Pool(HbonePoolOptions options)
    {
        var certificate = _certificates.Issue(ClientId);
        return new HbonePool(
            options,
            new HboneEndpointOptions(),
            DialAsync,
            (_, _) => ValueTask.FromResult(certificate),
            TimeProvider.System);
    }

    private static async ValueTask<Socket> DialAsync(HbonePoolKey key, CancellationToken cancellationToken)
    {
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
