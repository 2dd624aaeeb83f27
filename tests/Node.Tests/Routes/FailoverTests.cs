using System.Net;
using System.Net.Sockets;

namespace Node.Tests.Routes;

/// <summary>Services one of whose endpoints takes no connection: 15008 or the application's port refuses.</summary>
[Collection<RouteCollection>]
public sealed class FailoverTests(RouteNode node)
{
    private const int Connections = 40;
    private const string Greeting = "hello worldhello world";
    private const string Refused = "io error: Connection refused (os error 111)";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Every connection is served, and is one line that names who served it.</summary>
    [Theory]
    [InlineData("one-dead", AddressFamily.InterNetwork)]
    [InlineData("one-dead", AddressFamily.InterNetworkV6)]
    [InlineData("one-dead-plain", AddressFamily.InterNetwork)]
    [InlineData("one-dead-plain", AddressFamily.InterNetworkV6)]
    public async Task OneOfThreeDead_EveryConnectionIsServed(string service, AddressFamily family)
    {
        await using var servers = EchoServers.Start(node.Pods.A, node.Pods.B);
        var since = node.LogEnd;
        var opened = await SumAsync("istio_tcp_connections_opened_total", service);
        var closed = await SumAsync("istio_tcp_connections_closed_total", service);

        for (var i = 0; i < Connections; i++)
        {
            Assert.Equal(Greeting, await RouteNode.AskAsync(node.Pods.Client, RouteNode.VipOf(service, family), 80));
        }

        Assert.Equal(Connections, servers.Connections.Sum());
        var lines = await LinesAsync(since, service, Connections);
        Assert.All(lines, line =>
        {
            Assert.Null(line["error"]);
            Assert.DoesNotContain("dead", line["dst.workload"], StringComparison.Ordinal);
        });
        Assert.Equal(Connections, await SumAsync("istio_tcp_connections_opened_total", service) - opened);
        Assert.Equal(Connections, await SumAsync("istio_tcp_connections_closed_total", service) - closed);
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task OnlyEndpointDead_FailsAtOnce(AddressFamily family)
    {
        var since = node.LogEnd;

        await RouteNode.AssertRefusedAsync(node.Pods.Client, RouteNode.VipOf("only-dead", family), 80);

        var line = Assert.Single(await LinesAsync(since, "only-dead", 1));
        Assert.Equal((Refused, "dead"), (line["error"], line["dst.workload"]));
    }

    /// <summary>The endpoint that denies us has answered, and nobody else is asked.</summary>
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task Denied_IsTheAnswer(AddressFamily family)
    {
        await using var b = PodServer.Start(node.Pods.B, RouteMesh.WaypointsPort, PodServer.EchoTwiceAsync);
        await using var c = PodServer.Start(node.Pods.C, RouteMesh.WaypointsPort, PodServer.EchoTwiceAsync);
        var since = node.LogEnd;

        for (var i = 0; i < Connections; i++)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
            limit.CancelAfter(Limit);
            using var socket = await node.Pods.Client.ConnectAsync(
                RouteNode.VipOf("partly-denied", family), 80, limit.Token);
            socket.Shutdown(SocketShutdown.Send);
            Assert.Equal("", await socket.ReceiveToEndAsync(limit.Token));
        }

        var lines = await LinesAsync(since, "partly-denied", Connections);
        var denied = lines.Where(line => line["error"] is not null).ToList();
        Assert.All(denied, line => Assert.Equal(
            ("http status: 401 Unauthorized", "c"), (line["error"], line["dst.workload"])));
        Assert.NotEmpty(denied);
        Assert.Empty(c.Peers);
        Assert.Equal(Connections - denied.Count, b.Peers.Count);
    }

    [Fact]
    public async Task EjectedEndpoint_IsUsedAgainWhenItIsBack()
    {
        var vip = RouteNode.VipOf("coming-back", AddressFamily.InterNetwork);
        var address = $"{new IPEndPoint(node.Pods.Idle.IPv4, RouteMesh.ComingBackPort)}";
        await using var other = PodServer.Start(node.Pods.A, RouteMesh.ComingBackPort, PodServer.EchoTwiceAsync);
        var since = node.LogEnd;
        var ejections = await node.Proxy.SumAsync("ztunnel_endpoint_ejections_total", [], Token);
        while (await node.Proxy.SumAsync("ztunnel_endpoint_ejections_total", [], Token) == ejections)
        {
            Assert.Equal(Greeting, await RouteNode.AskAsync(node.Pods.Client, vip, 80));
        }

        Assert.NotNull(await LogAsync("endpoint ejected by pod client.shop (client) for ", Refused, address));
        await using var back = PodServer.Start(node.Pods.Idle, RouteMesh.ComingBackPort, PodServer.EchoTwiceAsync);
        Assert.NotNull(await LogAsync("endpoint used again by pod client.shop (client): its time is over", "", address));
        while (back.Peers.IsEmpty)
        {
            Assert.Equal(Greeting, await RouteNode.AskAsync(node.Pods.Client, vip, 80));
        }

        Assert.NotEqual(0, await node.Proxy.SumAsync(
            "ztunnel_connect_retries_total", [("outcome", "connected")], Token));

        Task<string?> LogAsync(string text, string reason, string endpoint) => node.Proxy.Process.Output.FirstWithinAsync(
            line => line.Contains(text, StringComparison.Ordinal)
                && line.Contains(reason, StringComparison.Ordinal)
                && line.Contains(endpoint, StringComparison.Ordinal),
            since,
            Limit,
            Token);
    }

    /// <summary>All outbound lines of connections to a service; fails when there are more or fewer.</summary>
    private async Task<List<AccessLine>> LinesAsync(long since, string service, int count)
    {
        await node.Proxy.Process.Output.FirstWithinAsync(_ => Lines().Count >= count, since, Limit, Token);
        var lines = Lines();
        Assert.Equal(count, lines.Count);
        return lines;

        List<AccessLine> Lines() =>
        [
            .. node.Proxy.Process.Output.Since(since)
                .Select(AccessLine.Parse)
                .OfType<AccessLine>()
                .Where(line => line["message"] == "connection complete"
                    && line["direction"] == "outbound"
                    && line["dst.service"] == RouteMesh.HostnameOf(service)),
        ];
    }

    private Task<double> SumAsync(string metric, string service) => node.Proxy.SumAsync(
        metric, [("reporter", "source"), ("destination_service_name", service)], Token);
}
