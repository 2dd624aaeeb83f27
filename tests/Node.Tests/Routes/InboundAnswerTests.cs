using System.Net;
using System.Net.Sockets;

namespace Node.Tests.Routes;

/// <summary>Port 15008 as an independent client reaches it by both families; data-path 13, I1 to I12.</summary>
[Collection<RouteCollection>]
public sealed class InboundAnswerTests(RouteNode node)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<AddressFamily> Families { get; } =
        [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6];

    [Theory]
    [MemberData(nameof(Families))]
    public async Task I1_I6_AuthorityOfThePod_ReachesItAndSaysWhoItIs(AddressFamily family)
    {
        await using var server = PodServer.Start(node.Pods.A, RouteMesh.EchoPort, PodServer.EchoTwiceAsync);

        var answer = await ConnectAsync(family, $"{Written(node.Pods.A, family)}:{RouteMesh.EchoPort}");

        Assert.Equal((200, "hello worldhello world"), (answer.Status, answer.Body));
        Assert.Equal(
            "k8s.cluster.name=Kubernetes,k8s.namespace.name=shop,k8s.deployment.name=a,service.name=a,service.version=v1",
            answer.Headers["baggage"]);
        Assert.Equal(RouteNode.AddressOf(node.Pods.Waypoint, family), Assert.Single(server.Peers));
    }

    /// <summary>80 has a number for its target, 81 a name that only this pod knows.</summary>
    [Theory]
    [InlineData(80, AddressFamily.InterNetwork)]
    [InlineData(80, AddressFamily.InterNetworkV6)]
    [InlineData(81, AddressFamily.InterNetwork)]
    [InlineData(81, AddressFamily.InterNetworkV6)]
    public async Task I2_I11_AuthorityOfTheService_ReachesTheTargetPort(int port, AddressFamily family)
    {
        await using var server = PodServer.Start(node.Pods.A, RouteMesh.EchoPort, PodServer.EchoTwiceAsync);

        var answer = await ConnectAsync(family, $"{RouteMesh.HostnameOf("balanced")}:{port}");

        Assert.Equal((200, "hello worldhello world"), (answer.Status, answer.Body));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task I9_IdentityWithoutAllowance_Is401(AddressFamily family)
    {
        var since = node.LogEnd;

        var answer = await HboneAnswer.ConnectAsync(
            node.Pods.Waypoint,
            RouteNode.AddressOf(node.Pods.C, family),
            $"{Written(node.Pods.C, family)}:{RouteMesh.WaypointsPort}",
            node.Issue(RouteMesh.ClientIdentity),
            Token);

        AssertRefused(401, answer);
        await node.LineAsync(
            since,
            ("message", "connection complete"),
            ("direction", "inbound"),
            ("error", "connection closed due to policy rejection: allow policies exist, but none allowed"));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task I10_AuthorityOfAnotherPod_Is400(AddressFamily family)
    {
        var since = node.LogEnd;

        var answer = await ConnectAsync(family, $"{Written(node.Pods.B, family)}:{RouteMesh.EchoPort}");

        AssertRefused(400, answer);
        var (local, other) = (RouteNode.AddressOf(node.Pods.A, family), RouteNode.AddressOf(node.Pods.B, family));
        await node.LineAsync(
            since, ("message", "connection failed"), ("direction", "inbound"), ("error", $"ip mismatch: {local} != {other}"));
    }

    /// <summary>What an application sees whose proxy is not of the server's trust domain.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    public async Task I12_ClientOfAnotherTrustDomain_SeesAResetAfterSending(AddressFamily family)
    {
        var since = node.LogEnd;

        // Through a service without a waypoint, so that it is our own proxy that is asked.
        await RouteNode.AssertRefusedAsync(node.Pods.Alien, RouteNode.VipOf("only-c", family), 80);

        var inbound = await node.LineAsync(
            since,
            ("message", "connection failed"),
            ("direction", "inbound"),
            ("dst.addr", $"{new IPEndPoint(RouteNode.AddressOf(node.Pods.C, family), 15008)}"));
        Assert.StartsWith("tls handshake error: ", inbound["error"], StringComparison.Ordinal);
        var outbound = await node.LineAsync(since, ("message", "connection complete"), ("src.workload", "alien"));
        Assert.Equal("spiffe://elsewhere.example/ns/shop/sa/alien", outbound["src.identity"]);
        Assert.NotNull(outbound["error"]);
    }

    private static string Written(Ztunnel.Demo.Pod pod, AddressFamily family) =>
        family == AddressFamily.InterNetwork ? $"{pod.IPv4}" : $"[{pod.IPv6}]";

    private static void AssertRefused(int status, HboneAnswer answer)
    {
        Assert.Equal((status, ""), (answer.Status, answer.Body));
        Assert.DoesNotContain("baggage", answer.Headers.Keys);
    }

    private Task<HboneAnswer> ConnectAsync(AddressFamily family, string authority) => HboneAnswer.ConnectAsync(
        node.Pods.Waypoint,
        RouteNode.AddressOf(node.Pods.A, family),
        authority,
        node.Issue(RouteMesh.ClientIdentity),
        Token);
}
