using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Config;
using Ztunnel.Dns.Hosts;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using Ztunnel.Proxy;
using Ztunnel.Telemetry;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Proxy;

/// <summary>Connections to workloads that have a name only: their count, and why they fail. Data-path 10 and 11.</summary>
public sealed class NamedDestinationsTests : IAsyncDisposable
{
    private static readonly Workload Source = Pod("source", "10.0.0.1") with
    {
        WorkloadName = "shop",
        CanonicalName = "shop",
        CanonicalRevision = "v1",
    };

    private static readonly Service Web = Service("web.example.com", "80:8080,15001:15001", "10.0.1.1");
    private static readonly Workload Named = (Pod("vm") with { Hostname = "vm.example.com" }).EndpointOf(Web, "");

    private readonly MetricsRegistry _registry = new();
    private readonly HostTable _hosts;
    private readonly NamedDestinations _named;
    private HostAnswer _answer = new([IPAddress.Parse("192.0.2.1")], null, TimeSpan.FromSeconds(60));

    public NamedDestinationsTests()
    {
        _hosts = new HostTable(
            (_, _) => Task.FromResult(_answer), new HostLimits(), TimeProvider.System, NullLogger<HostTable>.Instance);
        _named = new NamedDestinations(new ProxyOptions(), _hosts, new OnDemandDnsMetrics(_registry));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _hosts.DisposeAsync();

    /// <summary>The second is answered without a query and counts all the same.</summary>
    [Fact]
    public async Task A8_TwoRequests_CountTwice()
    {
        Assert.Equal("192.0.2.1:8080", (await CompleteAsync()).Dial.ToString());
        Assert.Equal("192.0.2.1:8080", (await CompleteAsync()).Dial.ToString());

        const string Labels =
            """
            source_workload="shop",source_canonical_service="shop",source_canonical_revision="v1",source_workload_namespace="ns1",source_principal="spiffe://cluster.local/ns/ns1/sa/source",source_app="shop",source_version="v1",source_cluster="cluster1",hostname="vm.example.com"
            """;
        Assert.Equal(
            "# HELP istio_on_demand_dns The total number of requests that used on-demand DNS (unstable).\n"
                + "# TYPE istio_on_demand_dns counter\n"
                + $"istio_on_demand_dns_total{{{Labels}}} 2\n# EOF\n",
            await ScrapeAsync());
    }

    [Fact]
    public async Task NameThatIsNobodys_CountsAndIsRefused()
    {
        _answer = HostAnswer.Failed("the name does not exist");

        var refusal = await Assert.ThrowsAsync<ProxyException>(() => CompleteAsync());

        Assert.Equal(
            (ConnectionFailure.Connect, $"no ip addresses were resolved for workload: {Named.Uid}"),
            (refusal.Failure, refusal.Message));
        Assert.Equal(SocketError.HostNotFound, Assert.IsType<SocketException>(refusal.InnerException).SocketErrorCode);
        Assert.Contains("} 1\n", await ScrapeAsync());
    }

    [Fact]
    public async Task NameWithoutAddress_IsRefused()
    {
        _answer = new([], null, TimeSpan.FromSeconds(60));

        var refusal = await Assert.ThrowsAsync<ProxyException>(() => CompleteAsync());

        Assert.Equal(
            $"ip addresses were resolved for workload {Named.Uid}, but valid dns response had no A/AAAA records",
            refusal.Message);
    }

    /// <summary>Whoever answers for names must not make us connect to ourselves.</summary>
    [Theory]
    [InlineData("127.0.0.1", 15001)]
    [InlineData("::1", 15001)]
    public async Task NameThatLeadsToUs_IsRefused(string address, int port)
    {
        _answer = new([IPAddress.Parse(address)], null, TimeSpan.FromSeconds(60));

        var refusal = await Assert.ThrowsAsync<ProxyException>(() => CompleteAsync(port));

        Assert.Equal("attempted recursive call to ourselves", refusal.Message);
    }

    [Fact]
    public async Task SeriesEnough_FurtherOnesAreCountedTogether()
    {
        var registry = new MetricsRegistry();
        var metrics = new OnDemandDnsMetrics(registry);
        for (var i = 0; i < OnDemandDnsMetrics.MaxSeries + 2; i++)
        {
            metrics.Count(Source, $"h{i}.example.com");
        }

        metrics.Count(Source, "h0.example.com");

        using var text = new MemoryStream();
        await registry.WriteAsync(text, Token);
        var lines = Encoding.UTF8.GetString(text.ToArray()).Split('\n').Where(line => line.Contains("hostname=", StringComparison.Ordinal));
        Assert.Equal(OnDemandDnsMetrics.MaxSeries + 1, lines.Count());
        Assert.EndsWith(" 2", Assert.Single(lines, line => line.Contains("hostname=\"overflow\"", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.EndsWith(" 2", Assert.Single(lines, line => line.Contains("hostname=\"h0.example.com\"", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RouteWithAnAddress_IsItselfAndCountsNothing()
    {
        var route = Route(Pod("a", "10.0.0.2").EndpointOf(Web, ""), 80);

        Assert.Same(route, await _named.CompleteAsync(route, Source, Token));

        Assert.Equal("# EOF\n", await ScrapeAsync());
    }

    private static OutboundRoute Route(Workload endpoint, int port) => new OutboundRouter("", AnyRandom).Route(
        Empty.With(Web, endpoint), Source, new IPEndPoint(IPAddress.Parse("10.0.1.1"), port), Source.Addresses[0]);

    private Task<OutboundRoute> CompleteAsync(int port = 80) =>
        _named.CompleteAsync(Route(Named, port), Source, Token).AsTask();

    private async Task<string> ScrapeAsync()
    {
        using var text = new MemoryStream();
        await _registry.WriteAsync(text, Token);
        return Encoding.UTF8.GetString(text.ToArray());
    }
}
