using System.Net;
using System.Net.Sockets;

namespace Node.Tests.Routes;

/// <summary>Services with several endpoints, and one with none that we choose; data-path 13, E6, and 14.22.</summary>
[Collection<RouteCollection>]
public sealed class BalancingTests(RouteNode node)
{
    private const int Connections = 50;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task E6_Service_ReachesEachEndpoint_AndBothSidesNameIt(AddressFamily family)
    {
        await using var servers = EchoServers.Start(node.Pods.A, node.Pods.B, node.Pods.C);
        var before = await OpenedAsync();

        for (var i = 0; i < Connections; i++)
        {
            Assert.Equal(
                "hello worldhello world",
                await RouteNode.AskAsync(node.Pods.Client, RouteNode.VipOf("balanced", family), 80));
        }

        // One of three is passed over by fifty connections once in 600 million times.
        Assert.All(servers.Connections, count => Assert.NotEqual(0, count));
        Assert.Equal(Connections, servers.Connections.Sum());
        var after = await OpenedAsync();
        Assert.Equal((Connections, Connections), (after.Source - before.Source, after.Destination - before.Destination));
    }

    /// <summary>O14: only a maps the port that the service knows by a name alone.</summary>
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task O14_NamedPort_ReachesThePodThatHasIt(AddressFamily family)
    {
        await using var servers = EchoServers.Start(node.Pods.A, node.Pods.B, node.Pods.C);

        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(
                "hello worldhello world",
                await RouteNode.AskAsync(node.Pods.Client, RouteNode.VipOf("balanced", family), 81));
        }

        Assert.Equal([10, 0, 0], servers.Connections);
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task O18_PassthroughService_GoesWhereItWasDialledAndIsNamed(AddressFamily family)
    {
        await using var servers = EchoServers.Start(node.Host);
        var since = node.LogEnd;

        var reply = await RouteNode.AskAsync(
            node.Pods.Client, RouteNode.AddressOf(node.Host, family), RouteMesh.EchoPort);

        Assert.Equal("hello worldhello world", reply);
        var line = await node.LineAsync(
            since,
            ("message", "connection complete"),
            ("dst.addr", $"{new IPEndPoint(RouteNode.AddressOf(node.Host, family), RouteMesh.EchoPort)}"));
        Assert.Equal(RouteMesh.HostnameOf("outside"), line["dst.service"]);
        Assert.Null(line["dst.workload"]);
        Assert.Null(line["dst.hbone_addr"]);
        Assert.NotEqual(0, await node.Proxy.SumAsync(
            "istio_tcp_connections_opened_total",
            [
                ("reporter", "source"),
                ("destination_service", RouteMesh.HostnameOf("outside")),
                ("destination_service_name", "outside"),
                ("destination_service_namespace", "shop"),
                ("destination_workload", "unknown"),
                ("connection_security_policy", "unknown"),
            ],
            Token));
    }

    private async Task<(double Source, double Destination)> OpenedAsync()
    {
        return (await SumAsync("source"), await SumAsync("destination"));

        Task<double> SumAsync(string reporter) => node.Proxy.SumAsync(
            "istio_tcp_connections_opened_total",
            [
                ("reporter", reporter),
                ("source_workload", "client"),
                ("destination_service", RouteMesh.HostnameOf("balanced")),
                ("destination_service_name", "balanced"),
                ("destination_service_namespace", "shop"),
                ("connection_security_policy", "mutual_tls"),
            ],
            Token);
    }
}
