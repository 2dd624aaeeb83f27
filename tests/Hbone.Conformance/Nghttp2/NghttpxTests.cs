using Hbone.Conformance.Exchanges;
using Hbone.Http2;
using Hbone.Tests.Http2;
using Hbone.Tls;

namespace Hbone.Conformance.Nghttp2;

/// <summary>
/// nghttpx between our client and our server, as forward proxy and as reverse proxy: it is the CONNECT server of the
/// one and the CONNECT client of the other, with mutual TLS on both sides.
/// </summary>
public sealed class NghttpxTests : IDisposable
{
    private const string ForwardProxy = "--http2-proxy"; // a reverse proxy without it

    private static readonly SpiffeId ServerId = new("cluster.local", "default", "server");
    private static readonly SpiffeId ProxyId = new("cluster.local", "default", "proxy");
    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");

    private readonly TestCertificates _certificates = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _certificates.Dispose();

    [Theory]
    [InlineData(301, 5_000, 300_000, 100, ForwardProxy)]
    [InlineData(302, 60, 5_000_000, 20, ForwardProxy)]
    [InlineData(
        303,
        1_000,
        300_000,
        50,
        ForwardProxy,
        "--frontend-http2-window-size=1000",
        "--backend-http2-window-size=1000")]
    [InlineData(304, 1_000, 300_000, 50, ForwardProxy, "--frontend-http2-max-concurrent-streams=5")]
    [InlineData(305, 1_000, 300_000, 50, ForwardProxy, "--padding=200")]
    [InlineData(
        306,
        1_000,
        300_000,
        50,
        ForwardProxy,
        "--frontend-http2-decoder-dynamic-table-size=0",
        "--frontend-http2-encoder-dynamic-table-size=0",
        "--backend-http2-decoder-dynamic-table-size=0",
        "--backend-http2-encoder-dynamic-table-size=0")]
    [InlineData(307, 5_000, 300_000, 100)]
    [InlineData(308, 60, 5_000_000, 20)]
    public async Task Exchanges_ThroughTheProxy_EveryByteArrives(
        int seed, int count, int maxBytes, int parallel, params string[] options)
    {
        using var plan = new ExchangePlan(seed, count, maxBytes, NghttpxAssert.Courses);

        // Room for all that the proxy forgets.
        var roomy = new HboneEndpointOptions { Http2 = new Http2Options { MaxConcurrentStreams = count } };
        await RunAsync(plan, parallel, options, roomy);
    }

    [Fact]
    public async Task Exchanges_ToTheEnd_OurLimitIsNeverReached()
    {
        using var plan = new ExchangePlan(311, 5_000, 300_000, NghttpxAssert.CoursesToTheEnd);

        await RunAsync(plan, parallel: 100, [ForwardProxy], new HboneEndpointOptions());
    }

    [Fact]
    public async Task EndStream_OfOurClient_IsKeptByTheProxy()
    {
        // Neither the proxy nor this server is ours: every END_STREAM of our client comes in, and none goes out. What
        // else happens on the connection afterwards shows that they have come.
        using var plan = new ExchangePlan(321, 60, 100_000, Course.ClientEndsFirst, Course.ServerResetsLast);
        await using var server = await ExchangePeer.StartServerAsync(
            ExchangeScript.H2, _certificates.WritePem(ServerId), plan, [], Token);
        await using var proxy = await StartAsync(server.Port, [ForwardProxy, "--frontend-frame-debug"]);
        await using var client = new ExchangeClient(_certificates.Issue(ClientId), ProxyId, proxy.Address);
        var ended = plan.Exchanges.Where(exchange => exchange.Course == Course.ClientEndsFirst).ToList();
        foreach (var exchange in ended)
        {
            var tunnel = await client.OpenAsync(exchange, Token);
            await tunnel.Stream.SendAsync(plan.BytesOf(exchange, isDown: false, 0, exchange.Up));
            tunnel.Stream.CompleteWrites();
        }

        foreach (var exchange in plan.Exchanges.Except(ended))
        {
            Assert.Equal(exchange.Down, (await client.RunAsync(plan, exchange, Token)).Received);
        }

        var frames = (await proxy.StopAsync()).Split("] ");
        var reports = await server.ReadReportsAsync(plan.Exchanges.Count, Token);

        Assert.Equal(
            ended.Count,
            frames.Count(frame =>
                frame.StartsWith("recv DATA", StringComparison.Ordinal)
                && frame.Contains("END_STREAM", StringComparison.Ordinal)));
        Assert.Equal(
            ended.Select(exchange => exchange.Index),
            ExchangePeer.OutcomesIn(reports).Where(seen => seen.End == "broken").Select(seen => seen.Index).Order());
    }

    [Fact]
    public async Task TunnelsThatOurServerHasEnded_StayOpenAtTheProxy_UntilTheyFillOurLimit()
    {
        const int Limit = 10;
        using var plan = new ExchangePlan(331, Limit - 1, 100_000, Course.ServerHasAllFirst);
        var narrow = new HboneEndpointOptions { Http2 = new Http2Options { MaxConcurrentStreams = Limit } };
        await using var server = new ExchangeServer(_certificates.Issue(ServerId), plan, narrow);
        await using var proxy = await StartAsync(server.Port, [ForwardProxy]);
        await using var client = new ExchangeClient(_certificates.Issue(ClientId), ProxyId, proxy.Address);
        ExchangeAssert.ClientSaw(plan, await client.RunAsync(plan, parallel: 1, Token));

        // The last place, which only its reset makes free for another: one that has ended on both sides does not.
        var last = await client.OpenAsync(plan.Exchanges[0], Token);
        var connection = Assert.Single(server.Server.Connections);
        Assert.Equal(Limit, connection.ActiveStreams);
        var another = client.OpenAsync(plan.Exchanges[1], Token).AsTask();
        last.Stream.Reset(Http2ErrorCode.Cancel);

        Assert.Equal(200, (await another).Answer.Status);
        Assert.Equal(Limit, connection.ActiveStreams);
    }

    private async Task RunAsync(ExchangePlan plan, int parallel, string[] options, HboneEndpointOptions serverOptions)
    {
        await using var server = new ExchangeServer(_certificates.Issue(ServerId), plan, serverOptions);
        await using var proxy = await StartAsync(server.Port, options);
        await using var client = new ExchangeClient(_certificates.Issue(ClientId), ProxyId, proxy.Address);

        NghttpxAssert.ClientSaw(plan, await client.RunAsync(plan, parallel, Token));
        await server.OutcomesAsync(Course.ClientResetsLast); // the last resets may still be on their way
        await proxy.StopAsync();
        NghttpxAssert.ServerSaw(plan, await server.OutcomesAsync());
        Assert.All(server.Server.Connections, connection => Assert.Equal([ProxyId], connection.PeerIds));
    }

    private Task<NghttpxProxy> StartAsync(int port, string[] options)
    {
        var files = _certificates.WritePem(ProxyId);
        return NghttpxProxy.StartAsync(
            "",
            [
                $"--backend=127.0.0.1,{port};;proto=h2;tls",
                "--verify-client", $"--verify-client-cacert={files.Authority}",
                "--insecure", // it compares a DNS name or nothing
                $"--client-cert-file={files.Certificate}", $"--client-private-key-file={files.Key}",
                .. options,
                files.Key, files.Certificate,
            ],
            Token);
    }
}
