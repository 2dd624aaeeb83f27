using Hbone.Conformance.Exchanges;
using Hbone.Tls;

namespace Hbone.Conformance.Nghttp2;

/// <summary>
/// nghttpx as forward proxy between our client and our server: it is the CONNECT server of the one and the CONNECT
/// client of the other, with mutual TLS on both sides.
/// </summary>
public sealed class NghttpxTests : IDisposable
{
    private static readonly SpiffeId ServerId = new("cluster.local", "default", "server");
    private static readonly SpiffeId ProxyId = new("cluster.local", "default", "proxy");
    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");

    // With courses in which the server waits for the client's end, or a side resets, these exchanges time out; with more
    // of them than MAX_CONCURRENT_STREAMS a CONNECT gets no answer. It looks as if the proxy kept a client's END_STREAM for
    // itself while the tunnel lives. No frames were recorded to show it, so a fault of ours is not excluded.
    private static readonly Course[] Courses =
        [Course.Free, Course.ServerHasAllFirst, Course.ServerEndsFirst, Course.ServerEndsAndResets, Course.Refused];

    private readonly TestCertificates _certificates = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _certificates.Dispose();

    [Theory]
    [InlineData(301, 150, 300_000, 100)]
    [InlineData(302, 40, 5_000_000, 20)]
    [InlineData(303, 150, 300_000, 50, "--frontend-http2-window-size=1000", "--backend-http2-window-size=1000")]
    [InlineData(304, 150, 300_000, 50, "--frontend-http2-max-concurrent-streams=5")]
    [InlineData(305, 150, 300_000, 50, "--padding=200")]
    [InlineData(
        306,
        150,
        300_000,
        50,
        "--frontend-http2-decoder-dynamic-table-size=0",
        "--frontend-http2-encoder-dynamic-table-size=0",
        "--backend-http2-decoder-dynamic-table-size=0",
        "--backend-http2-encoder-dynamic-table-size=0")]
    public async Task Exchanges_ThroughTheProxy_EveryByteArrives(
        int seed, int count, int maxBytes, int parallel, params string[] options)
    {
        using var plan = new ExchangePlan(seed, count, maxBytes, Courses);
        await using var server = new ExchangeServer(_certificates.Issue(ServerId), plan);
        await using var proxy = await StartAsync(server, options);
        await using var client = new ExchangeClient(_certificates.Issue(ClientId), ProxyId, proxy.Address);

        ExchangeAssert.ClientSaw(plan, await client.RunAsync(plan, parallel, Token));
        await proxy.DisposeAsync(); // tunnels whose client has ended are over for it, but not for the server
        ExchangeAssert.ServerSawBytes(plan, await server.OutcomesAsync());
        Assert.All(server.Server.Connections, connection => Assert.Equal([ProxyId], connection.PeerIds));
    }

    private Task<NghttpxProxy> StartAsync(ExchangeServer server, string[] options)
    {
        var files = _certificates.WritePem(ProxyId);
        return NghttpxProxy.StartAsync(
            "",
            [
                "--http2-proxy", $"--backend=127.0.0.1,{server.Port};;proto=h2;tls",
                "--verify-client", $"--verify-client-cacert={files.Authority}",
                "--insecure", // it compares a DNS name or nothing
                $"--client-cert-file={files.Certificate}", $"--client-private-key-file={files.Key}",
                .. options,
                files.Key, files.Certificate,
            ],
            Token);
    }
}
