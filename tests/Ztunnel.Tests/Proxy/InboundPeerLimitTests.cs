using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Hbone.Http2;
using Hbone.Tests.Http2;
using Hbone.Tls;
using Ztunnel.Config;
using ManualTime = Fixtures.ManualTime;

namespace Ztunnel.Tests.Proxy;

/// <summary>What one peer may have at one pod, over the listener that peers really reach.</summary>
public sealed class InboundPeerLimitTests
{
    private static readonly SpiffeId Alice = new("cluster.local", "default", "alice");
    private static readonly SpiffeId Bob = new("cluster.local", "default", "bob");
    private static readonly IPAddress Here = IPAddress.Loopback;
    private static readonly IPAddress There = IPAddress.Parse("127.0.0.2");
    private static readonly ProxyOptions TwoConnections = new() { MaxConnectionsPerPeer = 2 };
    private static readonly ProxyOptions TwoHandshakes = new() { MaxHandshakesPerPeer = 2 };

    // A record of 512 octets with the beginning of a ClientHello (RFC 8446 sections 5.1 and 4).
    private static readonly byte[] BeginningOfHello = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connections_AboveTheLimit_ClosedAndLoggedWithPeerAndReason()
    {
        await using var inbound = new InboundListener(TwoConnections);
        using var application = InboundFixture.Listen();
        var peers = new List<(Http2Connection Connection, IPEndPoint From)>();
        for (var i = 0; i < 5; i++)
        {
            peers.Add(await inbound.ConnectAsync(Alice, Here));
        }

        await Waiting.UntilAsync(() => inbound.Active == 2 && peers.Count(IsOver) == 3, Token);
        Assert.Equal(
            peers.Where(IsOver).Select(peer =>
                $"hbone connection of {peer.From} ({Alice}) closed: it has 2 already (HBONE_MAX_CONNECTIONS_PER_PEER)")
                .Order(),
            inbound.Warnings.Order());
        Assert.Equal(2, inbound.OpenSockets());
        foreach (var (connection, _) in peers.Where(peer => !IsOver(peer)))
        {
            Assert.Equal(200, (await InboundListener.RequestAsync(connection, application)).Status);
        }

        await DisposeAsync(peers);
    }

    [Fact]
    public async Task Connection_AboveTheLimit_IsToldEnhanceYourCalm()
    {
        await using var inbound = new InboundListener(new ProxyOptions { MaxConnectionsPerPeer = 1 });
        await using var first = await inbound.DialSilentAsync(Alice);
        await using var second = await inbound.DialSilentAsync(Alice);

        // Which of the two came first only the listener knows.
        var refused = await Task.WhenAny(first.ReadToEndAsync(), second.ReadToEndAsync())
            .WaitAsync(InboundFixture.Limit, Token);

        Assert.Contains(
            await refused, frame => frame.Type == FrameType.GoAway && frame.Code == (uint)Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public async Task Connections_AboveTheLimit_NeighboursAreServed()
    {
        await using var inbound = new InboundListener(TwoConnections);
        using var application = InboundFixture.Listen();
        var peers = new List<(Http2Connection Connection, IPEndPoint From)>();
        for (var i = 0; i < 4; i++)
        {
            peers.Add(await inbound.ConnectAsync(Alice, Here));
        }

        await Waiting.UntilAsync(() => peers.Count(IsOver) == 2, Token);
        var otherIdentity = await inbound.ConnectAsync(Bob, Here);
        var otherAddress = await inbound.ConnectAsync(Alice, There);

        Assert.Equal(200, (await InboundListener.RequestAsync(otherIdentity.Connection, application)).Status);
        Assert.Equal(200, (await InboundListener.RequestAsync(otherAddress.Connection, application)).Status);
        await DisposeAsync([.. peers, otherIdentity, otherAddress]);
    }

    [Theory]
    [InlineData("closed")]
    [InlineData("misbehaves")]
    public async Task Connection_ThatEnds_GivesItsPlaceBack(string end)
    {
        await using var inbound = new InboundListener(TwoConnections);
        using var application = InboundFixture.Listen();
        for (var i = 0; i < 5; i++)
        {
            await using var first = await inbound.DialHttp2Async(Alice);
            await using var second = await inbound.DialHttp2Async(Alice);
            if (end == "misbehaves")
            {
                await first.SendAsync(RawFrame.Data(0, [1]));
                Assert.Equal(Http2ErrorCode.ProtocolError, await first.ReadGoAwayAsync());
            }

            await first.DisposeAsync();
            await second.DisposeAsync();
            await Waiting.UntilAsync(() => inbound.Active == 0, Token);
        }

        var (connection, _) = await inbound.ConnectAsync(Alice, Here);
        Assert.Equal(200, (await InboundListener.RequestAsync(connection, application)).Status);
        Assert.DoesNotContain(inbound.Warnings, line => line.Contains("already", StringComparison.Ordinal));
        await connection.DisposeAsync();
        await Waiting.UntilAsync(() => inbound.Active == 0 && inbound.OpenSockets() == 0, Token);
    }

    [Fact]
    public async Task Handshakes_AboveTheLimit_ResetAndLoggedWithPeerAndReason()
    {
        await using var inbound = new InboundListener(TwoHandshakes);
        using var application = InboundFixture.Listen();
        using var first = await inbound.DialAsync(Here);
        using var second = await inbound.DialAsync(Here);

        var third = await inbound.DialResetAsync(Here);

        Assert.Equal(
            $"hbone connection of {third} reset: it has 2 handshakes under way "
                + "(HBONE_MAX_HANDSHAKES_PER_PEER)",
            Assert.Single(inbound.Warnings));
        await Waiting.UntilAsync(() => inbound.Active == 2, Token); // the peer sees the reset before we are done
        var (neighbour, _) = await inbound.ConnectAsync(Alice, There);
        Assert.Equal(200, (await InboundListener.RequestAsync(neighbour, application)).Status);
        await neighbour.DisposeAsync();
    }

    [Theory]
    [InlineData("closes")]
    [InlineData("speaks no TLS")]
    [InlineData("has no certificate")]
    [InlineData("stops")]
    [InlineData("trickles")]
    public async Task Handshake_ThatFails_GivesItsPlaceBack(string how)
    {
        var time = new ManualTime();
        await using var inbound = new InboundListener(TwoHandshakes, time);
        using var application = InboundFixture.Listen();
        for (var i = 0; i < 3; i++)
        {
            using var first = await inbound.DialAsync(Here);
            using var second = await inbound.DialAsync(Here);
            await FailAsync(inbound, time, how, first, second);
        }

        var (connection, _) = await inbound.ConnectAsync(Alice, Here);
        Assert.Equal(200, (await InboundListener.RequestAsync(connection, application)).Status);
        await connection.DisposeAsync();
        await Waiting.UntilAsync(() => inbound.Active == 0 && inbound.OpenSockets() == 0, Token);
        Assert.Empty(inbound.Warnings);
        var failures = (await inbound.AccessLogAsync()).Where(line => line.Contains("error=", StringComparison.Ordinal));
        Assert.Equal(6, failures.Count(line =>
            line.Contains("tls handshake error: ", StringComparison.Ordinal)
            && line.Contains("src.addr=127.0.0.1:", StringComparison.Ordinal)));
    }

    private static bool IsOver((Http2Connection Connection, IPEndPoint From) peer) => peer.Connection.Failure is not null;

    private static async Task DisposeAsync(List<(Http2Connection Connection, IPEndPoint From)> peers)
    {
        foreach (var (connection, _) in peers)
        {
            await connection.DisposeAsync();
        }
    }

    // Both handshakes are under way; afterwards both are over.
    private static async Task FailAsync(
        InboundListener inbound, ManualTime time, string how, Socket first, Socket second)
    {
        await Waiting.UntilAsync(() => inbound.Active == 2, Token);
        switch (how)
        {
            case "closes":
                first.Dispose();
                second.Dispose();
                break;
            case "speaks no TLS":
                await first.SendAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), Token);
                await second.SendAsync(new byte[100], Token);
                break;
            case "has no certificate":
                await Task.WhenAll(ShakeWithoutCertificateAsync(first), ShakeWithoutCertificateAsync(second));
                break;
            case "stops":
                await first.SendAsync(BeginningOfHello, Token);
                break; // and the other says nothing at all
            default:
                await first.SendAsync(BeginningOfHello, Token);
                await second.SendAsync(BeginningOfHello, Token);
                break;
        }

        await Waiting.UntilAsync(
            () =>
            {
                if (how is "stops" or "trickles")
                {
                    // The limit is counted from a moment that cannot be seen from here.
                    time.Advance(TimeSpan.FromSeconds(1));
                }

                if (how == "trickles")
                {
                    Trickle(first);
                    Trickle(second);
                }

                return inbound.Active == 0;
            },
            Token);
    }

    private static void Trickle(Socket socket)
    {
        try
        {
            socket.Send([0]);
        }
        catch (SocketException)
        {
            // Given up.
        }
    }

    private static async Task ShakeWithoutCertificateAsync(Socket socket)
    {
        await using var tls = new SslStream(new NetworkStream(socket));
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, leaf, _, _) => leaf is not null },
                Token);
            await tls.ReadExactlyAsync(new byte[1], Token); // TLS 1.3 clients learn it late
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            // Refused.
        }
    }
}
