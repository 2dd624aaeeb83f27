using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Pool;
using Hbone.Tests.Http2;
using Hbone.Tests.Tls;
using Hbone.Tls;

namespace Hbone.Tests;

/// <summary>Connections that live when a list revokes their peer; data-path 8.6 and 13, C4 and C5.</summary>
public sealed class LiveRevocationTests : IAsyncDisposable
{
    private const string ServerUri = "spiffe://cluster.local/ns/default/sa/server";
    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");
    private static readonly SpiffeId ServerId = SpiffeId.Parse(ServerUri);
    private static readonly HeaderField[] Request = [new(":method", "CONNECT"), new(":authority", "10.0.0.1:80")];
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private readonly TestLeaf _root = TestLeaf.Authority("one root");
    private readonly TestLeaf _intermediate;
    private readonly TestLeaf _client;
    private readonly TestLeaf _neighbour;
    private readonly TestLeaf _serverLeaf;
    private readonly PeerRevocations _atServer = new();
    private readonly PeerRevocations _atClient = new();
    private readonly Channel<ConnectRequest> _requests = Channel.CreateUnbounded<ConnectRequest>();
    private readonly HboneServer _server;
    private readonly HbonePool _pool;

    public LiveRevocationTests()
    {
        _intermediate = TestLeaf.Authority("intermediate", _root);
        _client = _intermediate.Issue([ClientId.ToString()]);
        _neighbour = _root.Issue(["spiffe://cluster.local/ns/default/sa/neighbour"]);
        _serverLeaf = _root.Issue([ServerUri]);
        _server = new HboneServer(
            _serverLeaf.Trusting(_root),
            request => _requests.Writer.TryWrite(request),
            new HboneEndpointOptions { Revocations = _atServer });
        var certificate = _client.With([_intermediate.Certificate], _root);
        _pool = new HbonePool(
            new HbonePoolOptions { MaxStreamsPerConnection = 2 },
            new HboneEndpointOptions { Revocations = _atClient },
            DialAsync,
            (_, _) => ValueTask.FromResult(certificate),
            TimeProvider.System);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _pool.DisposeAsync();
        await _server.DisposeAsync();
        _serverLeaf.Dispose();
        _neighbour.Dispose();
        _client.Dispose();
        _intermediate.Dispose();
        _root.Dispose();
    }

    [Theory]
    [InlineData("leaf")]
    [InlineData("intermediate")]
    public async Task C4_T15_ClientRevoked_ItsStreamsEndAndItsNeighbourStays(string which)
    {
        var (first, second, other) = (await OpenAsync(), await OpenAsync(), await OpenAsync());
        await using var neighbour = await RawPeer.DialHttp2Async(_server.Address, _neighbour.Trusting(_root));
        await neighbour.SendAsync(RawFrame.Connect(1));
        var neighbours = await NextRequestAsync();

        _atServer.Replace(RevocationLists.SetOf(
            which == "leaf" ? _intermediate.Revoke(_client) : _root.Revoke(_intermediate)));

        foreach (var tunnel in new[] { first, second, other })
        {
            AssertRevoked(tunnel.AtServer);
            await AssertBrokenAsync(tunnel.AtClient);
        }

        Assert.Null(neighbours.Stream.Failure);
        await neighbour.ReadAllAsync();
        Assert.Equal(2, _atServer.Clients.Rejected); // three tunnels were two connections
        Assert.Equal(0, _atServer.Servers.Rejected);
        await Assert.ThrowsAnyAsync<HboneException>(async () => await OpenAsync());
    }

    [Fact]
    public async Task C4_T15_ClientRevoked_GetsGoAwayWithoutError()
    {
        await using var peer = await RawPeer.DialHttp2Async(_server.Address, _neighbour.Trusting(_root));
        await peer.SendAsync(RawFrame.Connect(1));
        await NextRequestAsync();

        _atServer.Replace(RevocationLists.SetOf(_root.Revoke(_neighbour)));

        Assert.Equal(Http2ErrorCode.NoError, await peer.ReadGoAwayAsync());
        await Eventually.TrueAsync(() => _server.Alive == 0);
    }

    [Fact]
    public async Task C4_T15_ServerRevoked_StreamsEndAndTheConnectionIsNotUsedAgain()
    {
        var tunnel = await OpenAsync();

        _atClient.Replace(RevocationLists.SetOf(_root.Revoke(_serverLeaf)));

        AssertRevoked(tunnel.AtClient);
        await AssertBrokenAsync(tunnel.AtServer);
        Assert.Equal(1, _atClient.Servers.Rejected);
        var e = await Assert.ThrowsAsync<HboneTlsException>(async () => await OpenAsync());
        Assert.Equal("invalid peer certificate: Revoked", e.Message);
        Assert.Equal(2, _atClient.Servers.Rejected);
        Assert.Equal(0, _atClient.Clients.Rejected);
    }

    [Fact]
    public async Task C4_T15_ServerRevokedBeforeItsAnswer_TheRequestSaysSo()
    {
        var opening = _pool.OpenAsync(Key(), Request, Token).AsTask();
        await NextRequestAsync();

        _atClient.Replace(RevocationLists.SetOf(_root.Revoke(_serverLeaf)));

        var e = await Assert.ThrowsAsync<HboneProtocolException>(() => opening.WaitAsync(Deadline, Token));
        Assert.True(e.InnerException is Http2ConnectionException { IsPeerRevoked: true }, e.ToString());
    }

    [Fact]
    public async Task C5_T15_ListsThatConcernNobody_EndNothing()
    {
        using var namesake = TestLeaf.Authority("intermediate", _root);
        using var stranger = TestLeaf.Authority("stranger");
        var tunnel = await OpenAsync();

        _atServer.Replace(RevocationLists.SetOf(namesake.Revoke(_client), stranger.Revoke(_client)));
        _atServer.Replace(RevocationLists.SetOf(_intermediate.Revoke(), _root.Revoke()));
        _atServer.Replace(RevocationSet.Empty);

        Assert.True(await tunnel.AtClient.SendAsync("still there"u8.ToArray()));
        Assert.Equal(StreamReadKind.Data, (await tunnel.AtServer.ReadAsync()).Kind);
        Assert.Equal(0, _atServer.Clients.Rejected);
    }

    [Fact]
    public async Task C5_T15_PeerExpiredMeanwhile_NotEndedForThatButForTheRevocation()
    {
        // Two seconds of life at the handshake.
        using var shortLived = _root.Issue(["spiffe://cluster.local/ns/default/sa/short"], to: 2.0 / 86_400);
        await using var peer = await RawPeer.DialHttp2Async(_server.Address, shortLived.Trusting(_root));
        await peer.SendAsync(RawFrame.Connect(1));
        var request = await NextRequestAsync();
        await Eventually.TrueAsync(() => DateTime.Now > shortLived.Certificate.NotAfter);

        _atServer.Replace(RevocationLists.SetOf(_root.Revoke(_neighbour)));
        Assert.Null(request.Stream.Failure);

        _atServer.Replace(RevocationLists.SetOf(_root.Revoke(shortLived)));
        AssertRevoked(request.Stream);
    }

    [Fact]
    public async Task T15_ListThatCameDuringTheHandshake_EndsTheConnection()
    {
        await OpenAsync();
        var connection = await ServedAsync();
        var late = new PeerRevocations();
        late.Replace(RevocationLists.SetOf(_intermediate.Revoke(_client)));

        late.Track(connection, passed: RevocationSet.Empty);

        await connection.Completion.WaitAsync(Deadline, Token);
        Assert.Equal(1, late.Clients.Rejected);
    }

    [Fact]
    public async Task ConnectionThatIsOver_IsForgotten()
    {
        var tunnel = await OpenAsync();
        await _pool.DisposeAsync();
        await AssertBrokenAsync(tunnel.AtServer);
        await (await ServedAsync()).Completion.WaitAsync(Deadline, Token);

        await Eventually.TrueAsync(() => _atServer.TrackedConnections == 0 && _atClient.TrackedConnections == 0);
        _atServer.Replace(RevocationLists.SetOf(_intermediate.Revoke(_client)));
        Assert.Equal(0, _atServer.Clients.Rejected);
    }

    [Fact]
    public async Task EveryConnection_IsTracked()
    {
        await OpenAsync();

        await Eventually.TrueAsync(() => (_atServer.TrackedConnections, _atClient.TrackedConnections) == (1, 1));
        Assert.Equal((0, 0), (_atServer.Clients.Untracked, _atClient.Servers.Untracked));
    }

    private static void AssertRevoked(Http2Stream stream)
    {
        var failure = Assert.IsType<Http2ConnectionException>(stream.Failure);
        Assert.True(failure.IsPeerRevoked);
        Assert.Equal("connection closed: peer certificate revoked by CRL", failure.Message);
    }

    private static async Task AssertBrokenAsync(Http2Stream stream)
    {
        Assert.Equal(StreamReadKind.Reset, (await stream.ReadAsync()).Kind);
        Assert.False(stream.Failure is Http2ConnectionException { IsPeerRevoked: true });
    }

    private async Task<(Http2Stream AtClient, Http2Stream AtServer)> OpenAsync()
    {
        var opening = _pool.OpenAsync(Key(), Request, Token).AsTask();
        var arriving = NextRequestAsync();
        if (await Task.WhenAny(opening, arriving) == opening)
        {
            await opening;
        }

        var request = await arriving;
        request.Accept();
        return ((await opening).Stream, request.Stream);
    }

    private async Task<Http2Connection> ServedAsync()
    {
        await Eventually.TrueAsync(() => _server.Connections.Count == 1);
        return Assert.Single(_server.Connections);
    }

    private async Task<ConnectRequest> NextRequestAsync() =>
        await _requests.Reader.ReadAsync(Token).AsTask().WaitAsync(Deadline, Token);

    private HbonePoolKey Key() => new(ClientId, [ServerId], _server.Address, IPAddress.Loopback);

    private static async ValueTask<Socket> DialAsync(HbonePoolKey key, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(key.Destination, cancellationToken);
        return socket;
    }
}
