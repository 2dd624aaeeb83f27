using System.Net;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using Ztunnel.Telemetry;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>Data-path 2.2 and the checks O1 to O25 of its section 13.</summary>
public sealed class OutboundRouterTests
{
    private static readonly Workload Source = Pod("source", "10.0.0.1", "fd00::1").Hbone();
    private static readonly Service Web = Service("web.example.com", "80:8080", "10.0.1.1", "fd00:1::1");
    private static readonly Workload Waypoint = Pod("waypoint", "10.0.2.1").Hbone();

    [Fact]
    public void O1_UnknownAddress_PassesThrough()
    {
        var route = Route(Empty, "1.2.3.4:8080");

        Assert.Equal(PassThrough("1.2.3.4:8080"), route);
    }

    [Fact]
    public void O2_EndpointOnOtherNetworkWithoutGateway_IsRefused()
    {
        var remote = Pod("remote").EndpointOf(Web, "") with { Network = "other" };
        var withAddress = Pod("remote", "10.0.0.2").EndpointOf(Web, "") with { Network = "other" };

        Assert.Equal("no healthy upstream: 10.0.1.1:80", Refused(Empty.With(Web, remote), "10.0.1.1:80"));
        Assert.Equal(
            "no valid routing destination for workload: remote.ns1 (remote)",
            Refused(Empty.With(Web, withAddress), "10.0.1.1:80"));
    }

    [Fact]
    public void HostnameEndpoint_IsRefused()
    {
        var external = Pod("external").EndpointOf(Web, "") with { Hostname = "external.example.com" };

        Assert.Equal(
            "no valid routing destination for workload: external.ns1 (external)",
            Refused(Empty.With(Web, external), "10.0.1.1:80"));
    }

    [Fact]
    public void O6_FailoverByNetwork_HealthyLocalEndpointIsUsed()
    {
        var failover = Web.Balanced(LoadBalancerMode.Failover, LoadBalancerScope.Network);
        var local = Pod("near", "10.0.0.2").Hbone().EndpointOf(Web, "");
        var remote = Pod("far").EndpointOf(Web, "") with { Network = "other", NetworkGateway = GatewayAt("10.22.1.1") };

        var route = Route(Empty.With(failover, local, remote), "10.0.1.1:80");

        Assert.Equal(("10.0.0.2:15008", "10.0.0.2:8080"), (route.Dial.ToString(), route.HboneTarget));
    }

    [Theory]
    [InlineData("local")]
    [InlineData("remote")]
    public void O7_PlainWorkload_OnAnyNode_PlainTcp(string node)
    {
        var pod = Pod("a", "10.0.0.2") with { Node = node };

        var route = Route(Empty.With(pod), "10.0.0.2:80");

        Assert.Equal((OutboundProtocol.Tcp, "10.0.0.2:80"), (route.Protocol, route.Dial.ToString()));
        Assert.Null(route.HboneTarget);
        Assert.Empty(route.ExpectedIdentities);
        Assert.Same(pod, route.DestinationWorkload);
    }

    [Theory]
    [InlineData("local")]
    [InlineData("remote")]
    public void O8_HboneWorkload_OnAnyNode_Tunnel(string node)
    {
        var pod = Pod("a", "10.0.0.2").Hbone() with { Node = node };

        var route = Route(Empty.With(pod), "10.0.0.2:80");

        Assert.Equal(OutboundProtocol.Hbone, route.Protocol);
        Assert.Equal(("10.0.0.2:15008", "10.0.0.2:80"), (route.Dial.ToString(), route.HboneTarget));
        Assert.Equal([pod.Identity], route.ExpectedIdentities);
        Assert.Same(pod, route.DestinationWorkload);
        Assert.Null(route.DestinationService);
    }

    [Fact]
    public void O9_WaypointOfTheSource_IsNotUsed()
    {
        var source = Source with { Waypoint = GatewayAt("10.0.2.1") };
        var pod = Pod("a", "10.0.0.2");

        var route = Route(Empty.With(pod, Waypoint, source), "10.0.0.2:80", source);

        Assert.Equal("10.0.0.2:80", route.Dial.ToString());
    }

    [Theory]
    [InlineData("10.0.0.2:80")]
    [InlineData("[fd00::2]:80")] // O11
    public void O10_O11_WorkloadWaypointByAddress_TunnelKeepsTheTarget(string target)
    {
        var pod = Pod("a", "10.0.0.2", "fd00::2").Hbone() with { Waypoint = GatewayAt("10.0.2.1") };

        var route = Route(Empty.With(pod, Waypoint), target);

        Assert.Equal(("10.0.2.1:15008", target), (route.Dial.ToString(), route.HboneTarget));
        Assert.Equal([Waypoint.Identity], route.ExpectedIdentities);
        Assert.Same(Waypoint, route.DestinationWorkload);
    }

    [Theory]
    [InlineData("10.0.0.2:80", "10.0.2.1:15008")]
    [InlineData("[fd00::2]:80", "[fd00:2::1]:15008")]
    public void WorkloadWaypointByHostname_FollowsTheFamily(string target, string dial)
    {
        var service = Service("waypoint.example.com", "15008:15008");
        var waypoint = Pod("waypoint", "10.0.2.1", "fd00:2::1").Hbone().EndpointOf(service, "");
        var pod = Pod("a", "10.0.0.2", "fd00::2") with { Waypoint = GatewayNamed("ns1", "waypoint.example.com") };

        Assert.Equal(dial, Route(Empty.With(pod, waypoint, service), target).Dial.ToString());
    }

    [Fact]
    public void WaypointByHostnameOfWorkload_IsUsed()
    {
        var waypoint = Waypoint with { Hostname = "waypoint.example.com" };
        var pod = Pod("a", "10.0.0.2") with { Waypoint = GatewayNamed("ns1", "waypoint.example.com") };

        Assert.Equal("10.0.2.1:15008", Route(Empty.With(pod, waypoint), "10.0.0.2:80").Dial.ToString());
    }

    [Fact]
    public void O12_ServiceWaypoint_TunnelKeepsTheVip()
    {
        var waypoint = Waypoint.EndpointOf(Service("waypoint.example.com", ""), "15008:15021");
        var waypointService = Service("waypoint.example.com", "15008:15008") with
        {
            SubjectAltNames = ["spiffe://cluster.local/ns/ns1/sa/also", "not a SPIFFE ID"],
        };
        var service = Web with { Waypoint = GatewayNamed("ns1", "waypoint.example.com") };

        // The port need not exist, nor any endpoint.
        var route = Route(Empty.With(service, waypoint, waypointService), "10.0.1.1:9999");

        Assert.Equal(("10.0.2.1:15021", "10.0.1.1:9999"), (route.Dial.ToString(), route.HboneTarget));
        Assert.Equal(
            ["spiffe://cluster.local/ns/ns1/sa/also", "spiffe://cluster.local/ns/ns1/sa/waypoint"],
            route.ExpectedIdentities.Select(identity => identity.ToString()));
        Assert.Equal(Web.Hostname, route.DestinationService?.Hostname);
        Assert.Equal(waypoint, route.DestinationWorkload);
    }

    [Fact]
    public void ServiceWaypoint_FromTheWaypointItself_IsUsedAllTheSame()
    {
        var service = Web with { Waypoint = GatewayAt("10.0.2.1") };
        var pod = Pod("a", "10.0.0.2").EndpointOf(Web, "");

        var route = Route(Empty.With(service, Waypoint, pod), "10.0.1.1:80", Waypoint, "10.0.2.1");

        Assert.Equal("10.0.2.1:15008", route.Dial.ToString());
    }

    [Fact]
    public void WorkloadWaypoint_DialledThroughVip_IsNotUsed()
    {
        var pod = Pod("a", "10.0.0.2").EndpointOf(Web, "") with { Waypoint = GatewayAt("10.0.2.1") };

        Assert.Equal("10.0.0.2:8080", Route(Empty.With(Web, Waypoint, pod), "10.0.1.1:80").Dial.ToString());
    }

    [Theory]
    [InlineData("waypoint", "10.0.2.1", "10.0.0.2:80")]
    [InlineData("waypoint", "10.0.0.1", "10.0.2.1:15008")] // another pod with the waypoint's identity
    [InlineData("source", "10.0.2.1", "10.0.2.1:15008")] // the waypoint's address, another identity
    public void WorkloadWaypoint_FromTheWaypointItself_GoesDirect(string account, string clientIp, string dial)
    {
        var service = Service("waypoint.example.com", "15008:15008");
        var waypoint = Waypoint.EndpointOf(service, "");
        var source = Source with { ServiceAccount = account };
        foreach (var reference in new[] { GatewayAt("10.0.2.1"), GatewayNamed("ns1", "waypoint.example.com") })
        {
            var pod = Pod("a", "10.0.0.2") with { Waypoint = reference };

            var route = Route(Empty.With(service, waypoint, pod), "10.0.0.2:80", source, clientIp);

            Assert.Equal(dial, route.Dial.ToString());
        }
    }

    [Fact]
    public void Waypoint_NotResolvable_IsRefusedNotPassedBy()
    {
        var empty = Service("empty.example.com", "15008:15008");
        var unreachable = Waypoint with { Network = "other" };
        var pod = Pod("a", "10.0.0.2").EndpointOf(Web, "");

        string With(GatewayAddress waypoint) =>
            Refused(Empty.With(Web with { Waypoint = waypoint }, pod, empty, unreachable), "10.0.1.1:80");

        Assert.Equal(
            "unknown waypoint: waypoint nobody.example.com not found", With(GatewayNamed("ns1", "nobody.example.com")));
        Assert.Equal(
            "unknown waypoint: waypoint ns1/empty.example.com:15008 not found",
            With(GatewayNamed("ns1", "empty.example.com")));
        Assert.Equal(
            "unknown waypoint: waypoint net1/10.9.9.9:15009 not found", With(GatewayAt("10.9.9.9", 15009, "net1")));
        Assert.Equal(
            "no valid routing destination for workload: waypoint.ns1 (waypoint)",
            With(GatewayAt("10.0.2.1", network: "other")));
    }

    [Fact]
    public void O13_ServiceWithoutEndpointsOrPort_IsRefused()
    {
        var pod = Pod("a", "10.0.0.2").EndpointOf(Web, "");

        Assert.Equal("no healthy upstream: 10.0.1.1:80", Refused(Empty.With(Web), "10.0.1.1:80"));
        Assert.Equal("no healthy upstream: 10.0.1.1:81", Refused(Empty.With(Web, pod), "10.0.1.1:81"));
        Assert.Equal("no healthy upstream: [fd00:1::1]:80", Refused(Empty.With(Web), "[fd00:1::1]:80"));
    }

    [Fact]
    public void AddressOfServiceAndWorkload_WithoutEndpoints_IsRefusedNotPassedThrough() =>
        Assert.Equal("no healthy upstream: 10.0.1.1:80", Refused(Empty.With(Web, Pod("a", "10.0.1.1")), "10.0.1.1:80"));

    [Fact]
    public void O14_NamedPort_PodsOwnPortIsUsed()
    {
        var named = Service("named.example.com", "80:0", "10.0.1.1");
        var pod = Pod("a", "10.0.0.2").Hbone().EndpointOf(named, "80:1234");
        var other = Pod("b", "10.0.0.3").Hbone().EndpointOf(named, "");

        Assert.Equal("10.0.0.2:1234", Route(Empty.With(named, pod, other), "10.0.1.1:80").HboneTarget);
    }

    [Fact]
    public void O15_HostNetworkPod_ReachedThroughVipOnly()
    {
        var pod = Pod("a", "10.0.0.2").EndpointOf(Web, "") with { NetworkMode = NetworkMode.HostNetwork };
        var neighbour = Pod("b", "10.0.0.2") with { NetworkMode = NetworkMode.HostNetwork };
        var snapshot = Empty.With(Web, pod, neighbour);

        var throughVip = Route(snapshot, "10.0.1.1:80");
        Assert.Equal("10.0.0.2:8080", throughVip.Dial.ToString());
        Assert.Same(pod, throughVip.DestinationWorkload);

        var direct = Route(snapshot, "10.0.0.2:8080");
        Assert.Equal("10.0.0.2:8080", direct.Dial.ToString());
        Assert.Null(direct.DestinationWorkload);
    }

    [Theory]
    [InlineData(null, "10.0.1.1:80", "10.0.0.2:8080")] // O16
    [InlineData(null, "[fd00:1::1]:80", "[fd00::2]:8080")]
    [InlineData(nameof(IpFamilies.Dual), "10.0.1.1:80", "10.0.0.2:8080")]
    [InlineData(nameof(IpFamilies.Dual), "[fd00:1::1]:80", "[fd00::2]:8080")]
    [InlineData(nameof(IpFamilies.IPv4), "[fd00:1::1]:80", "10.0.0.2:8080")]
    [InlineData(nameof(IpFamilies.IPv6), "10.0.1.1:80", "[fd00::2]:8080")]
    public void O16_O17_DualStack_FamilyOfServiceThenOfClient(string? families, string target, string expected)
    {
        var service = Web with { IpFamilies = families is null ? null : Enum.Parse<IpFamilies>(families) };
        var pod = Pod("a", "10.0.0.2", "fd00::2").EndpointOf(Web, "");

        Assert.Equal(expected, Route(Empty.With(service, pod), target).Dial.ToString());
    }

    [Fact]
    public void O16_DualStack_DialledAddressIsKept()
    {
        var pod = Pod("a", "10.0.0.2", "10.0.0.3", "fd00::2", "fd00::3");

        foreach (var target in new[] { "10.0.0.3:80", "[fd00::3]:80" })
        {
            Assert.Equal(target, Route(Empty.With(pod), target).Dial.ToString());
        }
    }

    [Fact]
    public void SingleStackPod_OtherFamilyDialled_ItsOnlyAddressIsUsed()
    {
        var pod = Pod("a", "10.0.0.2").EndpointOf(Web, "");

        Assert.Equal("10.0.0.2:8080", Route(Empty.With(Web, pod), "[fd00:1::1]:80").Dial.ToString());
        Assert.Equal(
            "no valid routing destination for workload: a.ns1 (a)",
            Refused(Empty.With(Web with { IpFamilies = IpFamilies.IPv6 }, pod), "10.0.1.1:80"));
    }

    [Fact]
    public void O18_PassthroughService_DialledAddressUnlessWaypoint()
    {
        var passthrough = Web.Balanced(LoadBalancerMode.Passthrough);
        var pod = Pod("a", "10.0.0.2").Hbone().EndpointOf(Web, "");

        Assert.Equal(
            PassThrough("10.0.1.1:80"), Route(Empty.With(passthrough, pod), "10.0.1.1:80"));
        var route = Route(
            Empty.With(passthrough with { Waypoint = GatewayAt("10.0.2.1") }, pod, Waypoint), "10.0.1.1:80");
        Assert.Equal(("10.0.2.1:15008", "10.0.1.1:80"), (route.Dial.ToString(), route.HboneTarget));
    }

    [Theory]
    [InlineData(100, 0, 0, 1000)]
    [InlineData(0, 100, 1000, 1000)]
    [InlineData(75, 25, 190, 310)] // of 1000; the standard deviation is 14
    public void S1_O21_WeightedWaypoints_AreSampled(uint first, uint second, int leastSecond, int mostSecond)
    {
        var canary = Pod("canary", "10.0.2.2").Hbone();
        var service = Web with
        {
            Waypoint = GatewayAt("10.9.9.9"),
            WeightedWaypoints = [new(GatewayAt("10.0.2.1"), first), new(GatewayAt("10.0.2.2"), second)],
        };
        var snapshot = Empty.With(service, Waypoint, canary);
        var router = new OutboundRouter("", new Random(3));

        var seconds = Enumerable.Range(0, 1000).Count(_ => router.Route(
            snapshot, Source, IPEndPoint.Parse("10.0.1.1:80"), Source.Addresses[0]).DestinationWorkload == canary);

        Assert.InRange(seconds, leastSecond, second == 0 ? 0 : mostSecond);
    }

    [Fact]
    public void S1_O21_WeightedWaypoints_AllZeroOrNone_FallBack()
    {
        var pod = Pod("a", "10.0.0.2").EndpointOf(Web, "");
        var zero = Web with { WeightedWaypoints = [new(GatewayAt("10.9.9.9"), 0)] };

        Assert.Equal("10.0.0.2:8080", Route(Empty.With(zero, pod), "10.0.1.1:80").Dial.ToString());
        Assert.Equal(
            "10.0.2.1:15008",
            Route(Empty.With(zero with { Waypoint = GatewayAt("10.0.2.1") }, Waypoint), "10.0.1.1:80").Dial.ToString());
    }

    [Fact]
    public void CidrVip_IsBalancedLikeAVip()
    {
        var range = new CidrVip("", IPNetwork.Parse("10.99.0.0/16"));
        var service = Service("range.example.com", "443:8443") with { CidrVips = [range] };
        var pod = Pod("a", "10.0.0.2").Hbone().EndpointOf(service, "");

        var route = Route(Empty.With(service, pod), "10.99.1.2:443");

        Assert.Equal(("10.0.0.2:15008", "10.0.0.2:8443"), (route.Dial.ToString(), route.HboneTarget));
        Assert.Equal("range.example.com", route.DestinationService?.Hostname);
    }

    [Fact]
    public void HiddenService_FromAnotherNamespace_PassesThrough()
    {
        var hidden = Web with { Visibility = Visibility.Namespace };

        var stranger = Source with { Namespace = "ns2" };

        Assert.Equal("10.0.1.1:80", Route(Empty.With(hidden), "10.0.1.1:80", stranger).Dial.ToString());
        Assert.Equal("no healthy upstream: 10.0.1.1:80", Refused(Empty.With(hidden), "10.0.1.1:80"));
    }

    [Fact]
    public void MappedAddresses_AreIPv4()
    {
        var pod = Pod("a", "10.0.0.2").Hbone();

        Assert.Equal("10.0.0.2:80", Route(Empty.With(pod), "[::ffff:10.0.0.2]:80").HboneTarget);
    }

    private static OutboundRoute Route(
        MeshSnapshot snapshot, string target, Workload? source = null, string clientIp = "10.0.0.1") =>
        new OutboundRouter("", AnyRandom).Route(
            snapshot, source ?? Source, IPEndPoint.Parse(target), IPAddress.Parse(clientIp));

    private static OutboundRoute PassThrough(string target) =>
        new() { Protocol = OutboundProtocol.Tcp, Dial = IPEndPoint.Parse(target) };

    private static string Refused(MeshSnapshot snapshot, string target)
    {
        var refusal = Assert.Throws<ProxyException>(() => Route(snapshot, target));
        Assert.Equal(ConnectionFailure.Connect, refusal.Failure);
        return refusal.Message;
    }
}
