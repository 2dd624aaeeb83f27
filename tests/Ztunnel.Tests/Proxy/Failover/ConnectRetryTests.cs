using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Proxy;
using Ztunnel.Proxy.Failover;
using Ztunnel.Telemetry;

namespace Ztunnel.Tests.Proxy.Failover;

/// <summary>Connections of a pod to a service some of whose endpoints refuse them.</summary>
public sealed class ConnectRetryTests
{
    private const int Connections = 60;

    private static readonly ProxyOptions Default = new();
    private static readonly ProxyOptions OnlyRetry = Default with { Failover = new() { Ejection = false } };
    private static readonly ProxyOptions OnlyEjection = Default with { Failover = new() { Retry = false } };
    private static readonly ProxyOptions Neither =
        Default with { Failover = new() { Retry = false, Ejection = false } };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TwoOfThreeDead_EveryConnectionIsMade_AndIsOneLine(bool ejection)
    {
        await using var outbound = new OutboundFixture(ejection ? Default : OnlyRetry, endpoints: 3);
        outbound.Start(pod: 1);

        for (var i = 0; i < Connections; i++)
        {
            var waiting = new Waiting();
            Assert.Null(await outbound.DialAsync(waiting: waiting));
            Assert.Equal(1, waiting.Count);
        }

        // Of sixty connections, none of which the dead two would have been the first choice of, there is none in 10^28.
        Assert.NotEqual(0, outbound.Metrics.Connected);
        Assert.Equal(ejection, outbound.Metrics.Ejections >= 2);
        Assert.Equal(
            (outbound.Metrics.Connected + outbound.Metrics.Failed) + " lines",
            outbound.Loggers.LinesOf<OutboundProxy>(LogLevel.Debug).Length + " lines");
        var opened = await OpenedAsync(outbound);
        Assert.Equal($"{Connections}", Assert.Single(opened).Split(' ')[^1]);
        var lines = outbound.AccessLog();
        Assert.Equal(Connections, lines.Length);
        Assert.All(lines, line =>
        {
            Assert.Contains("dst.workload=\"p1\"", line, StringComparison.Ordinal);
            Assert.DoesNotContain("error=", line, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task SwitchedOff_FailsAtTheEndpointThatWasChosen()
    {
        await using var outbound = new OutboundFixture(Neither, endpoints: 2);
        outbound.Start(pod: 0);

        var errors = new List<string?>();
        for (var i = 0; i < Connections; i++)
        {
            errors.Add((await outbound.DialAsync())?.Message);
        }

        Assert.Equal([OutboundFixture.Refused, null], errors.Distinct().OrderDescending());
        Assert.Equal(
            (0, 0, 0), (outbound.Metrics.Connected, outbound.Metrics.Failed, outbound.Metrics.Ejections));
        Assert.Equal(Connections, outbound.AccessLog().Length);
    }

    [Fact]
    public async Task OnlyEjection_ThreeConnectionsFailAndThenNone()
    {
        await using var outbound = new OutboundFixture(OnlyEjection, endpoints: 2);
        outbound.Start(pod: 0);

        var failed = 0;
        while (outbound.Metrics.Ejections == 0)
        {
            failed += await outbound.DialAsync() is null ? 0 : 1;
        }

        Assert.Equal(3, failed);
        Assert.Equal(1, outbound.Metrics.Ejected);
        Assert.Contains(
            $"{OutboundFixture.Refused}\tcluster1//Pod/ns1/p1 127.0.0.3:{outbound.Port}",
            Assert.Single(outbound.Loggers.LinesOf<EndpointFailures>(LogLevel.Information)),
            StringComparison.Ordinal);
        Assert.Equal(0, outbound.Metrics.Connected);
    }

    [Fact]
    public async Task AllDead_ThreeOfThemAreTried_AndTheErrorIsTheOldOne()
    {
        await using var outbound = new OutboundFixture(Default, endpoints: 5);

        var error = await outbound.DialAsync();

        Assert.Equal((ConnectionFailure.Connect, OutboundFixture.Refused), (error!.Failure, error.Message));
        Assert.Equal((0, 2), (outbound.Metrics.Connected, outbound.Metrics.Failed));
        Assert.Single(await OpenedAsync(outbound));
        Assert.Contains($"error=\"{OutboundFixture.Refused}\"", Assert.Single(outbound.AccessLog()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AllEjected_AreUsedAgain()
    {
        await using var outbound = new OutboundFixture(Default, endpoints: 2);
        while (outbound.Metrics.Ejected < 2)
        {
            Assert.NotNull(await outbound.DialAsync());
        }

        outbound.Start(pod: 0);
        outbound.Start(pod: 1);

        Assert.Null(await outbound.DialAsync());
        Assert.Contains(
            ": connected\t", outbound.Loggers.LinesOf<EndpointFailures>(LogLevel.Information)[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, OutboundFixture.Vip)]
    [InlineData(3, "127.0.0.2")]
    public async Task NoChoice_IsNotTriedAgain(int endpoints, string destination)
    {
        await using var outbound = new OutboundFixture(Default, endpoints);
        destination = destination.Contains(':', StringComparison.Ordinal) ? destination : $"{destination}:{outbound.Port}";

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(OutboundFixture.Refused, (await outbound.DialAsync(destination))!.Message);
        }

        Assert.Equal((0, 0), (outbound.Metrics.Failed, outbound.Metrics.Ejections));
        Assert.Equal(5, outbound.AccessLog().Length);
    }

    [Fact]
    public async Task EjectedEndpoint_IsBackWhenItsTimeIsOver()
    {
        await using var outbound = new OutboundFixture(OnlyEjection, endpoints: 2);
        outbound.Start(pod: 0);
        while (outbound.Metrics.Ejected == 0)
        {
            await outbound.DialAsync();
        }

        for (var i = 0; i < Connections; i++)
        {
            Assert.Null(await outbound.DialAsync());
        }

        outbound.Time.Advance(TimeSpan.FromSeconds(6.1));
        while (await outbound.DialAsync() is null)
        {
            // The other one.
        }

        Assert.Equal((2, 1), (outbound.Metrics.Ejections, outbound.Metrics.Ejected));
    }

    [Fact]
    public async Task ClientHasGone_NobodyElseIsTried()
    {
        await using var outbound = new OutboundFixture(Default, endpoints: 3);

        Assert.NotNull(await outbound.DialAsync(isGone: true));

        Assert.Equal(0, outbound.Metrics.Failed);
    }

    [Fact]
    public async Task Hbone_AllDead_ThreeOfThemAreTried()
    {
        await using var outbound = new OutboundFixture(Default, endpoints: 4, TunnelProtocol.Hbone);

        var dialling = outbound.DialAsync();
        await outbound.CertifyAsync();
        var error = await dialling;

        Assert.Equal((ConnectionFailure.Connect, OutboundFixture.Refused), (error!.Failure, error.Message));
        Assert.Equal((0, 2), (outbound.Metrics.Connected, outbound.Metrics.Failed));
        Assert.Contains(":15008 ", Assert.Single(outbound.AccessLog()), StringComparison.Ordinal);
    }

    private static async Task<string[]> OpenedAsync(OutboundFixture outbound) =>
    [
        .. (await outbound.ScrapeAsync()).Split('\n')
            .Where(line => line.StartsWith("istio_tcp_connections_opened_total{", StringComparison.Ordinal)),
    ];

    private sealed class Waiting : IEstablished
    {
        public int Count { get; private set; }

        public ValueTask EstablishedAsync()
        {
            Count++;
            return default;
        }
    }
}
