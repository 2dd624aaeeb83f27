using System.Net;
using System.Net.Sockets;
using System.Text;
using Hbone.Http2;
using Hbone.Pool;
using Hbone.Tests.Http2;
using Hbone.Tests.Tls;

namespace Hbone.Tests.Pool;

/// <summary>Gateways that refuse, go away, break or die, and whoever answers behind them: each failure has its own name.</summary>
public sealed class InnerTunnelFailureTests : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(10);

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public InnerTunnelFailureTests()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(16);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private IPEndPoint Stranger => (IPEndPoint)_listener.LocalEndPoint!;

    public void Dispose() => _listener.Dispose();

    [Theory]
    [InlineData(401)]
    [InlineData(404)]
    [InlineData(503)]
    public async Task GatewayRefuses_ItsStatusIsTold(int status)
    {
        await using var chain = new InnerTunnelFixture { Refusal = status };

        var e = await Assert.ThrowsAsync<HboneStatusException>(() => chain.OpenAsync());

        Assert.Equal(status, e.Status);
        await Eventually.TrueAsync(() => chain.Gateway.Alive == 1); // a refusal is no reason to connect again
        chain.Refusal = null;
        await chain.OpenBothAsync();
        Assert.Equal(1, chain.Gateway.Established);
    }

    [Fact]
    public async Task ServerRefuses_ItsStatusIsTold_AndTheInnerConnectionStays()
    {
        await using var chain = new InnerTunnelFixture();
        await chain.OpenBothAsync();
        var opening = chain.OpenAsync();

        (await chain.NextRequestAsync()).Refuse(503);

        Assert.Equal(503, (await Assert.ThrowsAsync<HboneStatusException>(() => opening)).Status);
        await chain.OpenBothAsync();
        Assert.Equal(1, chain.Server.Established);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n")]
    [InlineData("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")]
    public async Task GarbageInsteadOfTls_IsRefused(string garbage)
    {
        await using var chain = new InnerTunnelFixture { Behind = Stranger };
        var opening = chain.OpenAsync();
        using var peer = await _listener.AcceptAsync(Token);

        await peer.SendAsync(Encoding.ASCII.GetBytes(garbage), Token);

        var e = await Assert.ThrowsAsync<HboneTlsException>(() => opening);
        Assert.Equal("wrong version number", e.Message);
    }

    [Fact]
    public async Task ClosedDuringTheHandshake_IsTold()
    {
        await using var chain = new InnerTunnelFixture { Behind = Stranger };
        var opening = chain.OpenAsync();
        using var peer = await _listener.AcceptAsync(Token);
        await peer.ReceiveAsync(new byte[10_000], Token);

        peer.Shutdown(SocketShutdown.Send);

        Assert.Equal("tls handshake eof", (await Assert.ThrowsAsync<HboneTlsException>(() => opening)).Message);
    }

    [Fact]
    public async Task ResetDuringTheHandshake_NamesTheOuterTunnel()
    {
        await using var chain = new InnerTunnelFixture { Behind = Stranger };
        var opening = chain.OpenAsync();
        using var peer = await _listener.AcceptAsync(Token);
        await peer.ReceiveAsync(new byte[10_000], Token);

        peer.LingerState = new LingerOption(enable: true, seconds: 0);
        peer.Dispose();

        Assert.Equal(
            "outer tunnel: stream reset by peer: ConnectError",
            (await Assert.ThrowsAsync<HboneTlsException>(() => opening)).Message);
    }

    [Fact]
    public async Task HandshakeNeverAnswered_EndsInTime_AndResetsTheOuterTunnel()
    {
        var time = new ManualTime();
        await using var chain = new InnerTunnelFixture(time: time) { Behind = Stranger };
        var opening = chain.OpenAsync();
        using var peer = await _listener.AcceptAsync(Token);
        await peer.ReceiveAsync(new byte[10_000], Token);

        time.Advance(Tick);

        Assert.Equal(
            "handshake not finished within 10 s",
            (await Assert.ThrowsAsync<HboneTlsException>(() => opening)).Message);
        await Eventually.TrueAsync(() => Assert.Single(chain.AtGateway).Stream.Failure is not null);
        await Eventually.TrueAsync(() => chain.Gateway.Alive == 1);
    }

    [Fact]
    public async Task SettingsNeverSent_EndsInTime()
    {
        var time = new ManualTime();
        await using var chain = new InnerTunnelFixture(time: time) { Behind = Stranger };
        var opening = chain.OpenAsync();
        await using var peer = await RawPeer.AcceptAsync(_listener, chain.ServerLeaf.Trusting(chain.Root));
        await peer.ReadPrefaceAsync();
        await peer.ReadAsync(FrameType.Headers);

        time.Advance(Tick);

        var e = await Assert.ThrowsAsync<HboneProtocolException>(() => opening);
        Assert.Equal("h2 failed: no preface and SETTINGS within 10 s", e.Message);
    }

    [Fact]
    public async Task ConnectNeverAnswered_EndsInTime()
    {
        var time = new ManualTime();
        await using var chain = new InnerTunnelFixture(time: time);
        await chain.OpenBothAsync(); // its SETTINGS have come
        var opening = chain.OpenAsync();
        var request = await chain.NextRequestAsync();

        time.Advance(Tick);
        time.Advance(Tick);

        var e = await Assert.ThrowsAsync<HboneAnswerTimeoutException>(() => opening);
        Assert.Equal("no answer to CONNECT within 20 s", e.Message);
        await Eventually.TrueAsync(() => request.Stream.Failure is Http2StreamException { Code: Http2ErrorCode.Cancel });
    }

    [Fact]
    public async Task SilentServer_IsPingedThroughTheGateway_AndGivenUp()
    {
        var time = new ManualTime();
        await using var chain = new InnerTunnelFixture(time: time) { Behind = Stranger };
        var opening = chain.OpenAsync();
        await using var peer = await RawPeer.AcceptHttp2Async(_listener, chain.ServerLeaf.Trusting(chain.Root));
        await peer.SendAsync(RawFrame.Headers(1, endStream: false, (":status", "200")));
        var tunnel = await opening;

        time.Advance(Tick); // heard of it since the start
        time.Advance(Tick);
        Assert.False((await peer.ReadAsync(FrameType.Ping)).Has(RawFrame.Ack));
        Assert.Null(tunnel.Stream.Failure);
        time.Advance(2 * Tick);

        Assert.Equal("HBONE ping timeout: the peer does not answer", tunnel.Stream.Failure?.Message);
        await Eventually.TrueAsync(() => chain.Gateway.Alive == 1);
    }

    [Fact]
    public async Task WrongIdentityBehindTheGateway_IsRefused()
    {
        await using var chain = new InnerTunnelFixture();

        var e = await Assert.ThrowsAsync<HboneTlsException>(
            () => chain.OpenAsync(chain.Key(expected: "spiffe://cluster.local/ns/default/sa/other")));

        Assert.Equal(
            "invalid peer certificate: identity verification error: peer did not present the expected SAN "
            + "(spiffe://cluster.local/ns/default/sa/other), got spiffe://cluster.local/ns/default/sa/server",
            e.Message);
    }

    [Fact]
    public async Task NoIdentityExpected_IsAlwaysRefused()
    {
        await using var chain = new InnerTunnelFixture();

        var e = await Assert.ThrowsAsync<HboneTlsException>(() => chain.OpenAsync(chain.Key() with { Expected = [] }));

        Assert.Contains("the expected SAN (), got spiffe://cluster.local/ns/default/sa/server", e.Message);
    }

    [Fact]
    public async Task ServerRevoked_NewAndLiveTunnelsEnd_TheGatewayStays()
    {
        await using var chain = new InnerTunnelFixture();
        var tunnel = await chain.OpenBothAsync();

        chain.Revocations.Replace(RevocationLists.SetOf(chain.Root.Revoke(chain.ServerLeaf)));

        AssertRevoked(tunnel.AtClient);
        var e = await Assert.ThrowsAsync<HboneTlsException>(() => chain.OpenAsync());
        Assert.Equal("invalid peer certificate: Revoked", e.Message);
        await Eventually.TrueAsync(() => chain.Gateway.Alive == 1);
    }

    [Fact]
    public async Task GatewayRevoked_WhatRunsInsideEndsForThatReason()
    {
        await using var chain = new InnerTunnelFixture();
        var tunnel = await chain.OpenBothAsync();
        var waiting = chain.OpenAsync();
        await chain.NextRequestAsync();

        chain.Revocations.Replace(RevocationLists.SetOf(chain.Root.Revoke(chain.GatewayLeaf)));

        Assert.Equal(StreamReadKind.Reset, (await tunnel.AtClient.ReadAsync()).Kind);
        AssertRevoked(tunnel.AtClient);
        var e = await Assert.ThrowsAsync<HboneProtocolException>(() => waiting);
        Assert.True(e.InnerException is Http2ConnectionException { IsPeerRevoked: true }, e.ToString());
    }

    [Fact]
    public async Task GatewayRevokedDuringTheHandshakeInside_IsTheReason()
    {
        await using var chain = new InnerTunnelFixture { Behind = Stranger };
        var opening = chain.OpenAsync();
        using var peer = await _listener.AcceptAsync(Token);
        await peer.ReceiveAsync(new byte[10_000], Token);

        chain.Revocations.Replace(RevocationLists.SetOf(chain.Root.Revoke(chain.GatewayLeaf)));

        var e = await Assert.ThrowsAsync<HboneTlsException>(() => opening);
        Assert.True(e.InnerException?.InnerException is Http2ConnectionException { IsPeerRevoked: true }, e.ToString());
    }

    [Fact]
    public async Task GatewayBreaks_EverythingInsideFails_AndTheNextOpensAnew()
    {
        await using var chain = new InnerTunnelFixture();
        var tunnels = new[] { await chain.OpenBothAsync(), await chain.OpenBothAsync() };

        await (await ConnectionOf(chain.Gateway)).DisposeAsync();

        foreach (var tunnel in tunnels)
        {
            Assert.Equal(StreamReadKind.Reset, (await tunnel.AtClient.ReadAsync()).Kind);
            Assert.StartsWith("connection broken: outer tunnel: ", tunnel.AtClient.Failure?.Message);
        }

        await chain.OpenBothAsync();
        Assert.Equal(2, chain.Gateway.Established);
    }

    [Fact]
    public async Task ServerGoesAway_LiveTunnelsGoOn_NewOnesGoElsewhere()
    {
        await using var chain = new InnerTunnelFixture();
        var live = await chain.OpenBothAsync();

        (await ConnectionOf(chain.Server)).Drain();
        await Eventually.TrueAsync(() => !live.AtClient.IsConnectionOpen);
        await chain.OpenBothAsync();

        Assert.Equal((1, 2), (chain.Gateway.Established, chain.Server.Established));
        await EndAsync(live);
        await Eventually.TrueAsync(() => chain.Server.Alive == 1);
    }

    [Fact]
    public async Task GatewayGoesAway_LiveTunnelsGoOn_NewOnesTakeAnotherOuter()
    {
        await using var chain = new InnerTunnelFixture();
        var live = await chain.OpenBothAsync();

        (await ConnectionOf(chain.Gateway)).Drain();
        await Eventually.TrueAsync(() => !live.AtClient.IsConnectionOpen);
        await chain.OpenBothAsync();

        Assert.Equal((2, 2), (chain.Gateway.Established, chain.Server.Established));
        await EndAsync(live);
        await Eventually.TrueAsync(() => chain.Gateway.Alive == 1 && chain.Server.Alive == 1);
    }

    [Fact]
    public async Task GatewayGoesAway_IdleInnerConnectionEndsAtOnce()
    {
        await using var chain = new InnerTunnelFixture();
        await EndAsync(await chain.OpenBothAsync());

        (await ConnectionOf(chain.Gateway)).Drain();

        await Eventually.TrueAsync(() => chain.Gateway.Alive == 0 && chain.Server.Alive == 0);
        Assert.Null(Assert.Single(chain.AtGateway).Stream.Failure); // ended, not reset
    }

    [Fact]
    public async Task CallerGone_RequestInsideIsReset_ConnectionStays()
    {
        await using var chain = new InnerTunnelFixture();
        var live = await chain.OpenBothAsync();
        using var gone = new CancellationTokenSource();
        var opening = chain.OpenForAsync(gone.Token);
        var request = await chain.NextRequestAsync();

        await gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
        await Eventually.TrueAsync(() => request.Stream.Failure is Http2StreamException { Code: Http2ErrorCode.Cancel });
        Assert.Null(live.AtClient.Failure);
    }

    // A server serves requests a moment before it lists their connection.
    private static async Task<Http2Connection> ConnectionOf(HboneServer server)
    {
        await Eventually.TrueAsync(() => server.Connections.Count == 1);
        return server.Connections.Single();
    }

    private static void AssertRevoked(Http2Stream stream)
    {
        var failure = Assert.IsType<Http2ConnectionException>(stream.Failure);
        Assert.True(failure.IsPeerRevoked);
        Assert.Equal("connection closed: peer certificate revoked by CRL", failure.Message);
    }

    private static async Task EndAsync((Http2Stream AtClient, Http2Stream AtServer) tunnel)
    {
        tunnel.AtClient.CompleteWrites();
        tunnel.AtServer.CompleteWrites();
        await tunnel.AtServer.ReadToEndAsync();
        await tunnel.AtClient.ReadToEndAsync();
    }
}
