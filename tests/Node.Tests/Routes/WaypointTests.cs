using System.Net;
using System.Net.Sockets;

namespace Node.Tests.Routes;

/// <summary>Connections that go through a waypoint which is none of ours; data-path 13, E3, and 4.4.</summary>
[Collection<RouteCollection>]
public sealed class WaypointTests(RouteNode node)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>By the address of its pod (a), a service's name (b), a workload's name (c); and that of a service.</summary>
    [Theory]
    [InlineData("a", AddressFamily.InterNetwork)]
    [InlineData("a", AddressFamily.InterNetworkV6)]
    [InlineData("b", AddressFamily.InterNetwork)]
    [InlineData("b", AddressFamily.InterNetworkV6)]
    [InlineData("c", AddressFamily.InterNetwork)]
    [InlineData("c", AddressFamily.InterNetworkV6)]
    [InlineData("via", AddressFamily.InterNetwork)]
    [InlineData("via", AddressFamily.InterNetworkV6)]
    public async Task E3_Waypoint_OfWorkloadOrService_IsTunnelledThrough(string dialled, AddressFamily family)
    {
        var isService = dialled == "via";
        var pod = dialled switch
        {
            "b" => node.Pods.B,
            "c" => node.Pods.C,
            _ => node.Pods.A,
        };
        var target = isService
            ? new IPEndPoint(RouteNode.VipOf(dialled, family), 80)
            : new IPEndPoint(RouteNode.AddressOf(pod, family), RouteMesh.EchoPort);

        // A reference by address says which family is dialled, one by name does not.
        var waypoint = RouteNode.AddressOf(node.Pods.Waypoint, dialled == "a" ? AddressFamily.InterNetwork : family);
        await using var server = PodServer.Start(pod, RouteMesh.EchoPort, PodServer.EchoTwiceAsync);
        var (since, requests) = (node.LogEnd, node.Waypoint.Count);

        var reply = await RouteNode.AskAsync(node.Pods.Client, target.Address, target.Port);

        Assert.Equal("hello worldhello world", reply);
        var outbound = await node.LineAsync(
            since, ("message", "connection complete"), ("direction", "outbound"), ("dst.hbone_addr", $"{target}"));
        Assert.Equal($"{new IPEndPoint(waypoint, 15008)}", outbound["dst.addr"]);
        Assert.Equal("waypoint", outbound["dst.workload"]);
        Assert.Equal(RouteMesh.WaypointIdentity, outbound["dst.identity"]);
        Assert.Equal(RouteMesh.ClientIdentity, outbound["src.identity"]);
        Assert.Equal(isService ? RouteMesh.HostnameOf(dialled) : null, outbound["dst.service"]);
        Assert.Equal(("11", "22", null), (outbound["bytes_sent"], outbound["bytes_recv"], outbound["error"]));
        await AssertRequestAsync($"{target}", requests, RouteNode.AddressOf(node.Pods.Client, family), isService);

        // And from the waypoint on: as itself, from its own address.
        var onward = new IPEndPoint(RouteNode.AddressOf(pod, family), RouteMesh.EchoPort);
        var inbound = await node.LineAsync(
            since, ("message", "connection complete"), ("direction", "inbound"), ("dst.hbone_addr", $"{onward}"));
        Assert.Equal(RouteMesh.WaypointIdentity, inbound["src.identity"]);
        Assert.Equal("waypoint", inbound["src.workload"]);
        Assert.Equal(RouteNode.AddressOf(node.Pods.Waypoint, family), Assert.Single(server.Peers));
    }

    /// <summary>What a waypoint's certificate may say besides: what the owner of its service vouches for.</summary>
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task Waypoint_WithAnIdentityOfItsService_IsAccepted(AddressFamily family)
    {
        await using var server = PodServer.Start(node.Pods.A, RouteMesh.EchoPort, PodServer.EchoTwiceAsync);

        Assert.Equal(
            "hello worldhello world",
            await RouteNode.AskAsync(node.Pods.Client, RouteNode.VipOf("via-vouched", family), 80));
    }

    /// <summary>4.4: a weighted waypoint is one, whatever the single one is; the authority's port is kept.</summary>
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task I3_WeightedWaypoint_ThatWeServe_AcceptsItsServiceOnly(AddressFamily family)
    {
        await using var server = PodServer.Start(node.Pods.A, RouteMesh.EchoPort, PodServer.EchoTwiceAsync);
        var since = node.LogEnd;

        var reply = await RouteNode.AskAsync(node.Pods.Client, RouteNode.VipOf("weighted", family), RouteMesh.EchoPort);
        var others = await ConnectAsync(new IPEndPoint(RouteNode.VipOf("via", family), RouteMesh.EchoPort));

        Assert.Equal("hello worldhello world", reply);
        await node.LineAsync(
            since,
            ("message", "connection complete"),
            ("direction", "inbound"),
            ("dst.workload", "a"),
            ("dst.hbone_addr", $"{new IPEndPoint(RouteNode.VipOf("weighted", family), RouteMesh.EchoPort)}"));
        Assert.Equal(400, others.Status);
        await node.LineAsync(
            since,
            ("message", "connection failed"),
            ("direction", "inbound"),
            ("error", $"ip mismatch: {node.Pods.A.IPv4} != {RouteNode.VipOf("via", family)}"));

        Task<HboneAnswer> ConnectAsync(IPEndPoint authority) => HboneAnswer.ConnectAsync(
            node.Pods.Waypoint, node.Pods.A.IPv4, $"{authority}", node.Issue(RouteMesh.ClientIdentity), Token);
    }

    /// <summary>
    /// 14.14: that nobody gets around a waypoint is said by a policy, which knows the waypoint by its identity; gateways and
    /// dials through other services would be cut off by a rule of ours.
    /// </summary>
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task PolicyForTheWaypoint_WhoGoesAroundIt_IsRefused(AddressFamily family)
    {
        await using var server = PodServer.Start(node.Pods.C, RouteMesh.WaypointsPort, PodServer.EchoTwiceAsync);
        var since = node.LogEnd;

        var through = await RouteNode.AskAsync(
            node.Pods.Client, RouteNode.AddressOf(node.Pods.C, family), RouteMesh.WaypointsPort);
        await RouteNode.AssertRefusedAsync(node.Pods.Client, RouteNode.VipOf("only-c", family), 80);

        Assert.Equal("hello worldhello world", through);
        await node.LineAsync(
            since,
            ("direction", "outbound"),
            ("dst.hbone_addr", $"{new IPEndPoint(RouteNode.AddressOf(node.Pods.C, family), RouteMesh.WaypointsPort)}"),
            ("dst.workload", "c"),
            ("error", "http status: 401 Unauthorized"));
        Assert.Equal(RouteNode.AddressOf(node.Pods.Waypoint, family), Assert.Single(server.Peers));
    }

    private async Task AssertRequestAsync(string authority, long since, IPAddress client, bool isService)
    {
        var request = await node.Waypoint.RequestAsync(authority, since, Token);
        Assert.Equal($"URI:{RouteMesh.ClientIdentity}", request.Peer);
        Assert.Equal(
            [":method", ":authority", "baggage", "forwarded", "traceparent"],
            request.Names.Where(name => !name.StartsWith("Symbol", StringComparison.Ordinal)));
        Assert.Equal("CONNECT", request[":method"]);
        Assert.Equal(
            "k8s.cluster.name=Kubernetes,k8s.namespace.name=shop,k8s.deployment.name=client,service.name=client,service.version=v1",
            request["baggage"]);
        var host = isService ? $";host={RouteMesh.HostnameOf("via")}" : "";
        var application = client.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{client}]" : $"{client}";
        Assert.Matches($"^for=\"{System.Text.RegularExpressions.Regex.Escape(application)}:[0-9]+\"{host}$", request["forwarded"]!);
        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-00$", request["traceparent"]!);
    }
}
