using System.Net;
using System.Text.Json;
using Hbone.Conformance.Exchanges;
using Hbone.Http2.Hpack;
using Hbone.Tls;

namespace Hbone.Conformance.H2;

/// <summary>The Python package h2 as CONNECT server of our client and its pool, over mutual TLS.</summary>
public sealed class OurClientH2ServerTests : IDisposable
{
    private static readonly SpiffeId ServerId = new("cluster.local", "default", "server");
    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");

    private readonly TestCertificates _certificates = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _certificates.Dispose();

    [Theory]
    [InlineData(201, 2_000, 500_000, 100, "--settings=MAX_CONCURRENT_STREAMS=100")]
    [InlineData(202, 60, 5_000_000, 20)]
    [InlineData(203, 150, 300_000, 50, "--settings=INITIAL_WINDOW_SIZE=1000")]
    [InlineData(204, 200, 300_000, 50, "--settings=HEADER_TABLE_SIZE=0,MAX_FRAME_SIZE=1048576")]
    [InlineData(205, 200, 300_000, 50, "--padding=100")]
    [InlineData(206, 200, 300_000, 50, "--interim=103", "--interim=100", "--header=date=today", "--header=server=h2")]
    [InlineData(
        207,
        300,
        300_000,
        10,
        "--then=50:INITIAL_WINDOW_SIZE=10",
        "--then=100:INITIAL_WINDOW_SIZE=100000,HEADER_TABLE_SIZE=0",
        "--then=200:HEADER_TABLE_SIZE=65536,MAX_FRAME_SIZE=100000")]
    public async Task Exchanges_AllCourses_BothSidesSeeThePlan(
        int seed, int count, int maxBytes, int parallel, params string[] options)
    {
        using var plan = new ExchangePlan(seed, count, maxBytes);

        await RunAsync(plan, parallel, options);
    }

    [Theory]
    [InlineData(211, "--settings=MAX_CONCURRENT_STREAMS=1")]
    [InlineData(212, "--settings=MAX_CONCURRENT_STREAMS=20", "--then=30:MAX_CONCURRENT_STREAMS=1")]
    [InlineData(213, "--settings=MAX_CONCURRENT_STREAMS=1", "--then=30:MAX_CONCURRENT_STREAMS=50")]
    public async Task MaxConcurrentStreams_LowOrChanged_NoExchangeIsLost(int seed, params string[] options)
    {
        // RFC 9113 section 5.1.2
        using var plan = new ExchangePlan(seed, 200, 100_000);

        await RunAsync(plan, parallel: 8, options);
    }

    [Fact]
    public async Task RefusedStream_UnderLoad_SentAgainAndNoneLost()
    {
        // RFC 9113 section 8.7
        using var plan = new ExchangePlan(221, 300, 100_000);

        var (_, reports) = await RunAsync(plan, parallel: 30, "--refuse=3");

        Assert.Equal(100, reports.Count(report => ExchangePeer.IsOf("refused", report)));
    }

    [Fact]
    public async Task GoAway_UnderLoad_WhatIsAboveTheLastStreamGoesToAnotherConnection()
    {
        // RFC 9113 section 6.8
        using var plan = new ExchangePlan(222, 600, 200_000);

        var (connections, reports) = await RunAsync(
            plan, parallel: 60, "--goaway-after=100", "--goaway-connections=2");

        Assert.Equal(2, reports.Count(report => ExchangePeer.IsOf("goaway", report)));
        Assert.True(connections >= 3, $"{connections} connections");
    }

    [Fact]
    public async Task Answer_AfterInterimOnes_CarriesItsOwnHeadersOnly()
    {
        // RFC 9113 section 8.1: any number of 1xx before the final answer.
        using var plan = new ExchangePlan(223, 1, 1_000, Course.Free);
        await using var server = await ExchangePeer.StartServerAsync(
            ExchangeScript.H2,
            _certificates.WritePem(ServerId),
            plan,
            ["--interim=103", "--header=date=today", "--header=server=h2"],
            Token);
        await using var client = ClientOf(server);

        var tunnel = await client.OpenAsync(plan.Exchanges[0], Token);

        Assert.Equal(200, tunnel.Answer.Status);
        Assert.Equal([new HeaderField("date", "today"), new HeaderField("server", "h2")], tunnel.Answer.Headers);
    }

    // Every exchange ends as planned on both sides, whatever the server's options do to it.
    private async Task<(int Connections, List<JsonElement> Reports)> RunAsync(
        ExchangePlan plan, int parallel, params string[] options)
    {
        await using var server = await ExchangePeer.StartServerAsync(
            ExchangeScript.H2, _certificates.WritePem(ServerId), plan, options, Token);
        await using var client = ClientOf(server);

        ExchangeAssert.ClientSaw(plan, await client.RunAsync(plan, parallel, Token));
        var reports = await server.ReadReportsAsync(plan.Exchanges.Count, Token);
        ExchangeAssert.ServerSaw(plan, ExchangePeer.OutcomesIn(reports));
        return (client.Connections, reports);
    }

    private ExchangeClient ClientOf(ExchangePeer server) =>
        new(_certificates.Issue(ClientId), ServerId, new IPEndPoint(IPAddress.Loopback, server.Port));
}
