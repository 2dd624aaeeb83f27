using Hbone.Conformance.Exchanges;
using Hbone.Tls;

namespace Hbone.Conformance.H2;

/// <summary>The Python package h2 as CONNECT client of our server, over mutual TLS.</summary>
public sealed class OurServerH2ClientTests : IDisposable
{
    private static readonly SpiffeId ServerId = new("cluster.local", "default", "server");
    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");

    private readonly TestCertificates _certificates = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _certificates.Dispose();

    [Theory]
    [InlineData(101, 2_000, 500_000)] // up to our MAX_CONCURRENT_STREAMS of 200 at once
    [InlineData(102, 60, 5_000_000, "--parallel=20")]
    [InlineData(103, 150, 300_000, "--settings=INITIAL_WINDOW_SIZE=1000")]
    [InlineData(104, 200, 300_000, "--settings=HEADER_TABLE_SIZE=0,MAX_FRAME_SIZE=1048576")]
    [InlineData(105, 200, 300_000, "--padding=100")]
    [InlineData(
        106,
        300,
        300_000,
        "--parallel=10",
        "--then=50:INITIAL_WINDOW_SIZE=10",
        "--then=100:INITIAL_WINDOW_SIZE=100000,HEADER_TABLE_SIZE=0",
        "--then=200:HEADER_TABLE_SIZE=65536,MAX_FRAME_SIZE=100000")]
    public async Task Exchanges_AllCourses_BothSidesSeeThePlan(
        int seed, int count, int maxBytes, params string[] options)
    {
        using var plan = new ExchangePlan(seed, count, maxBytes);
        await using var server = new ExchangeServer(_certificates.Issue(ServerId), plan);

        var reports = await ExchangePeer.RunClientAsync(
            ExchangeScript.H2, _certificates.WritePem(ClientId), server.Port, plan, options, Token);

        ExchangeAssert.ClientSaw(plan, ExchangePeer.OutcomesIn(reports));
        ExchangeAssert.ServerSaw(plan, await server.OutcomesAsync());
    }

    [Fact]
    public async Task Handshake_Client_SeesOurIdentityAndH2()
    {
        using var plan = new ExchangePlan(107, 1, 100, Course.Free);
        await using var server = new ExchangeServer(_certificates.Issue(ServerId), plan);

        var reports = await ExchangePeer.RunClientAsync(
            ExchangeScript.H2, _certificates.WritePem(ClientId), server.Port, plan, [], Token);

        var peer = Assert.Single(reports, report => ExchangePeer.IsOf("peer", report));
        var name = Assert.Single(peer.GetProperty("names").EnumerateArray().ToArray());
        Assert.Equal(ServerId.ToString(), name.GetString());
        Assert.Equal("h2", peer.GetProperty("alpn").GetString());
        Assert.Equal("TLSv1.3", peer.GetProperty("tls").GetString());
    }
}
