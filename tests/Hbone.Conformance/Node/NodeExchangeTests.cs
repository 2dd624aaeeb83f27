using System.Net;
using System.Text.Json;
using Hbone.Conformance.Exchanges;
using Hbone.Tls;

namespace Hbone.Conformance.Node;

/// <summary>
/// Node's HTTP/2 stack plays plans of exchanges: thousands of streams, half-closes and resets in both directions, over
/// mutual TLS.
/// </summary>
public sealed class NodeExchangeTests : IDisposable
{
    private static readonly SpiffeId ServerId = new("cluster.local", "default", "server");
    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");

    private readonly TestCertificates _certificates = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _certificates.Dispose();

    [Theory]
    [InlineData(501, 3_000, 500_000)] // up to our MAX_CONCURRENT_STREAMS of 200 at once
    [InlineData(502, 60, 5_000_000, "--parallel=20")]
    [InlineData(503, 300, 300_000, "--settings=initialWindowSize=1000")]
    [InlineData(504, 300, 300_000, "--settings=headerTableSize=0,maxFrameSize=1048576")]
    [InlineData(505, 300, 300_000, "--padding")]
    [InlineData(
        506,
        300,
        300_000,
        "--parallel=10",
        "--then=50:initialWindowSize=10",
        "--then=100:initialWindowSize=100000,headerTableSize=0",
        "--then=200:headerTableSize=65536,maxFrameSize=100000")]
    public async Task OurServer_NodeClient_BothSidesSeeThePlan(
        int seed, int count, int maxBytes, params string[] options)
    {
        using var plan = new ExchangePlan(seed, count, maxBytes);
        await using var server = new ExchangeServer(_certificates.Issue(ServerId), plan);

        var reports = await ExchangePeer.RunClientAsync(
            ExchangeScript.Node, _certificates.WritePem(ClientId), server.Port, plan, options, Token);

        ExchangeAssert.ClientSaw(plan, ExchangePeer.OutcomesIn(reports));
        ExchangeAssert.ServerSaw(plan, await server.OutcomesAsync());
        Assert.All(server.Server.Connections, connection => Assert.Equal([ClientId], connection.PeerIds));
    }

    [Theory]
    [InlineData(511, 3_000, 500_000, 100)]
    [InlineData(512, 60, 5_000_000, 20)]
    [InlineData(513, 300, 300_000, 50, "--settings=initialWindowSize=1000")]
    [InlineData(514, 300, 300_000, 50, "--settings=headerTableSize=0,maxFrameSize=1048576")]
    [InlineData(515, 300, 300_000, 50, "--padding")]
    [InlineData(516, 300, 300_000, 50, "--settings=maxConcurrentStreams=3")]
    [InlineData(
        517,
        300,
        300_000,
        10,
        "--then=50:initialWindowSize=10",
        "--then=100:initialWindowSize=100000,headerTableSize=0",
        "--then=200:headerTableSize=65536,maxFrameSize=100000")]
    public async Task OurClient_NodeServer_BothSidesSeeThePlan(
        int seed, int count, int maxBytes, int parallel, params string[] options)
    {
        using var plan = new ExchangePlan(seed, count, maxBytes);

        await RunAsync(plan, parallel, options);
    }

    [Fact]
    public async Task OurClient_NodeServerGoesAway_WhatIsAboveTheLastStreamGoesToAnotherConnection()
    {
        // RFC 9113 section 6.8
        using var plan = new ExchangePlan(521, 600, 200_000);

        var (connections, reports) = await RunAsync(plan, parallel: 60, "--goaway-after=100");

        Assert.True(connections >= 3, $"{connections} connections");
        Assert.True(reports.Count(report => ExchangePeer.IsOf("goaway", report)) >= 2);
    }

    private async Task<(int Connections, List<JsonElement> Reports)> RunAsync(
        ExchangePlan plan, int parallel, params string[] options)
    {
        await using var server = await ExchangePeer.StartServerAsync(
            ExchangeScript.Node, _certificates.WritePem(ServerId), plan, options, Token);
        await using var client = new ExchangeClient(
            _certificates.Issue(ClientId), ServerId, new IPEndPoint(IPAddress.Loopback, server.Port));

        ExchangeAssert.ClientSaw(plan, await client.RunAsync(plan, parallel, Token));
        var reports = await server.ReadReportsAsync(plan.Exchanges.Count, Token);
        ExchangeAssert.ServerSaw(plan, ExchangePeer.OutcomesIn(reports));
        return (client.Connections, reports);
    }
}
