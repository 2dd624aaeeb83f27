using System.Net;
using System.Net.Sockets;

namespace Node.Tests.Routes;

/// <summary>
/// Waypoints whose traffic passes through our proxy before and after them (application tunnels); data-path 13, E5, and 4.7.
/// </summary>
[Collection<RouteCollection>]
public sealed class SandwichTests(RouteNode node)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Its service has no ports; HAProxy reads the PROXY header, and goes on through the pod's own proxy.</summary>
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task E5_I4_TunnelOfProtocolProxy_TellsWhoDialledWhat(AddressFamily family)
    {
        await using var servers = EchoServers.Start(node.Pods.A, node.Pods.B, node.Pods.C);
        var (since, connections) = (node.LogEnd, node.Sandwich.Count);
        var vip = RouteNode.VipOf("via-sandwich", family);

        var reply = await RouteNode.AskAsync(node.Pods.Client, vip, 80);

        Assert.Equal("hello worldhello world", reply);
        var (source, destination) = await node.Sandwich.ConnectionAsync(connections, Token);
        Assert.Equal(RouteNode.AddressOf(node.Pods.Client, family), source);
        Assert.Equal(new IPEndPoint(vip, 80), destination);
        var outbound = await node.LineAsync(
            since, ("direction", "outbound"), ("dst.hbone_addr", $"{new IPEndPoint(vip, 80)}"));
        Assert.Equal(
            $"{new IPEndPoint(RouteNode.AddressOf(node.Pods.Sandwich, family), 15008)}", outbound["dst.addr"]);
        Assert.Null(outbound["error"]);
        await AssertWentOnAsync(since, "sandwich");
    }

    /// <summary>HAProxy has the client's bytes from the client's address, as if there was no tunnel.</summary>
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task E5_TunnelOfProtocolNone_HasTheClientsAddress(AddressFamily family)
    {
        await using var servers = EchoServers.Start(node.Pods.Behind);
        var (since, connections) = (node.LogEnd, node.Bare.Count);

        var reply = await RouteNode.AskAsync(node.Pods.Client, RouteNode.VipOf("via-bare", family), 80);

        Assert.Equal("hello worldhello world", reply);
        var (source, destination) = await node.Bare.ConnectionAsync(connections, Token);
        Assert.Equal(RouteNode.AddressOf(node.Pods.Client, family), source);
        Assert.Equal(
            new IPEndPoint(RouteNode.AddressOf(node.Pods.Bare, family), RouteMesh.TunnelPort), destination);
        await AssertWentOnAsync(since, "bare");
    }

    /// <summary>Row F of data-path 2.2: what a waypoint sends to its own workload does not come back to it.</summary>
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task WorkloadBehindItsWaypoint_IsReachedFromThereDirectly(AddressFamily family)
    {
        await using var server = PodServer.Start(node.Pods.Behind, RouteMesh.EchoPort, PodServer.EchoTwiceAsync);
        var since = node.LogEnd;
        var target = new IPEndPoint(RouteNode.AddressOf(node.Pods.Behind, family), RouteMesh.EchoPort);

        var reply = await RouteNode.AskAsync(node.Pods.Client, target.Address, target.Port);

        Assert.Equal("hello worldhello world", reply);
        var toTheWaypoint = await node.LineAsync(
            since, ("direction", "outbound"), ("src.workload", "client"), ("dst.hbone_addr", $"{target}"));
        var onFromThere = await node.LineAsync(since, ("direction", "outbound"), ("src.workload", "bare"));
        Assert.Equal(
            $"{new IPEndPoint(RouteNode.AddressOf(node.Pods.Bare, family), 15008)}", toTheWaypoint["dst.addr"]);
        Assert.Equal($"{new IPEndPoint(node.Pods.Behind.IPv4, 15008)}", onFromThere["dst.addr"]);
        Assert.Equal(node.Pods.Bare.IPv4, Assert.Single(server.Peers));
    }

    /// <summary>14.16: the header has one family for both ends, so the IPv4 end is written as IPv6, not left out.</summary>
    [Fact]
    public async Task TunnelOfProtocolProxy_FamiliesDiffer_BothEndsAreTold()
    {
        await using var servers = EchoServers.Start(node.Pods.A, node.Pods.B, node.Pods.C);
        var connections = node.Sandwich.Count;
        var vip = RouteNode.VipOf("via-sandwich", AddressFamily.InterNetworkV6);

        var answer = await HboneAnswer.ConnectAsync(
            node.Pods.Waypoint, node.Pods.Sandwich.IPv4, $"[{vip}]:80", node.Issue(RouteMesh.ClientIdentity), Token);

        Assert.Equal((200, "hello worldhello world"), (answer.Status, answer.Body));
        var (source, destination) = await node.Sandwich.ConnectionAsync(connections, Token);
        Assert.Equal(node.Pods.Waypoint.IPv4, source.IsIPv4MappedToIPv6 ? source.MapToIPv4() : source);
        Assert.Equal(new IPEndPoint(vip, 80), destination);
    }

    private async Task AssertWentOnAsync(long since, string waypoint)
    {
        var identity = $"spiffe://cluster.local/ns/shop/sa/{waypoint}";
        var outbound = await node.LineAsync(
            since, ("message", "connection complete"), ("direction", "outbound"), ("src.identity", identity));
        var inbound = await node.LineAsync(
            since, ("message", "connection complete"), ("direction", "inbound"), ("src.identity", identity));
        Assert.Equal(("11", "22"), (outbound["bytes_sent"], outbound["bytes_recv"]));
        Assert.Equal(("22", "11"), (inbound["bytes_sent"], inbound["bytes_recv"]));
    }
}
