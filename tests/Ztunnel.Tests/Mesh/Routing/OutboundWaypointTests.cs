using System.Collections.Immutable;
using System.Net;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using static Ztunnel.Tests.Mesh.Routing.OutboundDial;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>Rows A and F of data-path 2.2: what goes through a waypoint, and which.</summary>
public sealed class OutboundWaypointTests
{
    [Theory]
    [InlineData("10.0.0.2")]
    [InlineData("[fd00::2]")]
    public void O9_WaypointOfTheSource_IsNotUsed(string address)
    {
        var source = Source with { Waypoint = WaypointByName };
        var plain = Pod("a", "10.0.0.2", "fd00::2");
        var mesh = Empty.With(WaypointService, Waypoint.EndpointOf(WaypointService, ""), source);

        Assert.Equal(($"{address}:80", null), Ends(Route(mesh.With(plain), $"{address}:80", source)));
        Assert.Equal(
            ($"{address}:15008", $"{address}:80"), Ends(Route(mesh.With(plain.Hbone()), $"{address}:80", source)));
    }

    [Theory]
    [InlineData("10.0.0.2:80")]
    [InlineData("[fd00::2]:80")] // O11
    public void O10_O11_WorkloadWaypointByAddress_TunnelKeepsTheTarget(string target)
    {
        var pod = Pod("a", "10.0.0.2", "fd00::2").Hbone() with { Waypoint = GatewayAt("10.0.2.1") };

        var route = Route(Empty.With(pod, Waypoint), target);

        Assert.Equal(("10.0.2.1:15008", target), Ends(route));
        Assert.Equal([Waypoint.Identity], route.ExpectedIdentities);
        Assert.Same(Waypoint, route.DestinationWorkload);
        Assert.Null(route.DestinationService);
    }

    /// <summary>The reference's family counts, not the client's.</summary>
    [Theory]
    [InlineData("10.0.0.2:80")]
    [InlineData("[fd00::2]:80")]
    public void O10_WorkloadWaypointByIPv6Address_TunnelKeepsTheTarget(string target)
    {
        var pod = Pod("a", "10.0.0.2", "fd00::2").Hbone() with { Waypoint = GatewayAt("fd00:2::1") };

        Assert.Equal(("[fd00:2::1]:15008", target), Ends(Route(Empty.With(pod, Waypoint), target)));
    }

    [Theory]
    [InlineData("10.0.0.2:80")]
    [InlineData("[fd00::2]:80")]
    public void WorkloadWaypointByHostname_FollowsTheFamily(string target)
    {
        var pod = Pod("a", "10.0.0.2", "fd00::2") with { Waypoint = WaypointByName };
        var throughService = Empty.With(pod, WaypointService, Waypoint.EndpointOf(WaypointService, ""));
        var throughWorkload = Empty.With(pod, Waypoint with { Hostname = WaypointService.Hostname });

        Assert.Equal((AddressOfWaypoint(target), target), Ends(Route(throughService, target)));
        Assert.Equal((AddressOfWaypoint(target), target), Ends(Route(throughWorkload, target)));
    }

    /// <summary>A reference says which port is meant: of a service in its terms, of a workload as it is.</summary>
    [Theory]
    [InlineData("10.0.1.9", "10.0.2.1:15021")] // VIP
    [InlineData("fd00:1::9", "[fd00:2::1]:15021")]
    [InlineData("10.0.2.1", "10.0.2.1:15008")] // pod
    [InlineData("fd00:2::1", "[fd00:2::1]:15008")]
    public void ServiceWaypointByAddress_OfServiceOrPod_IsDialled(string reference, string dial)
    {
        var gateway = WaypointService with { Ports = Ports("15008:15021"), Vips = [At("10.0.1.9"), At("fd00:1::9")] };
        var service = Web with { Waypoint = GatewayAt(reference) };

        foreach (var vip in new[] { "10.0.1.1:80", "[fd00:1::1]:80" })
        {
            var route = Route(Empty.With(service, gateway, Waypoint.EndpointOf(gateway, "")), vip);

            Assert.Equal((dial, vip), Ends(route));
            Assert.Equal([Waypoint.Identity], route.ExpectedIdentities);
        }
    }

    /// <summary>As services of ServiceEntries with resolution NONE are; reached by name they are balanced.</summary>
    [Fact]
    public void WaypointByHostnameOfPassthroughService_IsChosenByLocality()
    {
        var gateway = WaypointService.Balanced(LoadBalancerMode.Passthrough, LoadBalancerScope.Zone);
        var near = Waypoint.EndpointOf(gateway, "") with { Locality = new("r", "z1", "") };
        var far = Pod("far", "10.0.2.2").EndpointOf(gateway, "") with { Locality = new("r", "z2", "") };
        var source = Source with { Locality = new("r", "z1", "") };
        var mesh = Empty.With(Web with { Waypoint = WaypointByName }, gateway, near, far);

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("10.0.2.1:15008", Route(mesh, "10.0.1.1:80", source).Dial.ToString());
        }
    }

    /// <summary>Data-path 2.3: who takes any port of its own needs none of the service.</summary>
    [Theory]
    [InlineData("10.0.1.1:80")]
    [InlineData("[fd00:1::1]:80")]
    public void WaypointServiceWithoutPorts_ApplicationTunnel_KeepsThePortOfTheReference(string vip)
    {
        var portless = WaypointService with { Ports = Ports("") };
        var tunnelling = Waypoint.EndpointOf(portless, "") with
        {
            ApplicationTunnel = new(ApplicationTunnelProtocol.Proxy, 15088),
        };
        var service = Web with { Waypoint = WaypointByName };

        Assert.Equal((AddressOfWaypoint(vip), vip), Ends(Route(Empty.With(service, portless, tunnelling), vip)));
        Assert.Equal(
            "unknown waypoint: waypoint ns1/waypoint.example.com:15008 not found",
            Refused(Empty.With(service, portless, Waypoint.EndpointOf(portless, "")), vip));
    }

    [Theory]
    [InlineData("10.0.1.1:9999", "10.0.2.1:15021")]
    [InlineData("[fd00:1::1]:9999", "[fd00:2::1]:15021")]
    public void O12_ServiceWaypoint_TunnelKeepsTheVip(string vip, string dial)
    {
        var waypoint = Waypoint.EndpointOf(WaypointService, "15008:15021");
        var waypointService = WaypointService with
        {
            SubjectAltNames = ["spiffe://cluster.local/ns/ns1/sa/also", "not a SPIFFE ID"],
        };

        // The port need not exist, nor any endpoint.
        var route = Route(Empty.With(Web with { Waypoint = WaypointByName }, waypoint, waypointService), vip);

        Assert.Equal((dial, vip), Ends(route));
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
        var waypoint = Waypoint.EndpointOf(WaypointService, "");
        var source = Source with { ServiceAccount = account };
        foreach (var reference in new[] { GatewayAt("10.0.2.1"), WaypointByName })
        {
            var pod = Pod("a", "10.0.0.2") with { Waypoint = reference };

            var route = Route(Empty.With(WaypointService, waypoint, pod), "10.0.0.2:80", source, clientIp);

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

    /// <summary>A reference is followed once: whoever it names is asked, whatever waypoint that one has.</summary>
    [Theory]
    [InlineData("10.0.1.1:80")]
    [InlineData("[fd00:1::1]:80")]
    public void WaypointsThatNameThemselvesOrEachOther_AreFollowedOnce(string vip)
    {
        var itself = Web with { Waypoint = GatewayNamed("ns1", Web.Hostname, 80) };
        var pod = Pod("a", "10.0.0.2", "fd00::2").EndpointOf(Web, "") with { Waypoint = WaypointByName };
        var mutual = WaypointService with { Waypoint = GatewayNamed("ns1", Web.Hostname, 80) };
        var waypoint = Waypoint.EndpointOf(WaypointService, "") with { Waypoint = GatewayAt("10.0.0.2") };

        var dialled = vip.StartsWith('[') ? "[fd00::2]:8080" : "10.0.0.2:8080";
        Assert.Equal((dialled, vip), Ends(Route(Empty.With(itself, pod), vip)));
        Assert.Equal(
            (AddressOfWaypoint(vip), vip),
            Ends(Route(Empty.With(Web with { Waypoint = WaypointByName }, mutual, pod, waypoint), vip)));
    }


    [Theory]
    [InlineData(100, 0, 0, 0)]
    [InlineData(0, 100, 1000, 1000)]
    [InlineData(75, 25, 190, 310)] // of 1000; the standard deviation is 14
    [InlineData(uint.MaxValue, uint.MaxValue, 437, 563)]
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

        foreach (var vip in new[] { IPEndPoint.Parse("10.0.1.1:80"), IPEndPoint.Parse("[fd00:1::1]:80") })
        {
            var seconds = Enumerable.Range(0, 1000).Count(_ =>
                router.Route(snapshot, Source, vip, Source.Addresses[0]).DestinationWorkload == canary);

            Assert.InRange(seconds, leastSecond, mostSecond);
        }
    }

    /// <summary>Who is sampled is meant: nobody else stands in for a waypoint that is not there.</summary>
    [Fact]
    public void O21_WeightedWaypoint_NotResolvable_IsRefused()
    {
        var service = Web with
        {
            Waypoint = GatewayAt("10.0.2.1"),
            WeightedWaypoints = [new(GatewayNamed("ns1", "gone.example.com"), 1)],
        };
        var pod = Pod("a", "10.0.0.2").EndpointOf(Web, "");

        Assert.Equal(
            "unknown waypoint: waypoint gone.example.com not found",
            Refused(Empty.With(service, Waypoint, pod), "10.0.1.1:80"));
    }

    [Fact]
    public void S1_O21_WeightedWaypoints_AllZeroOrNone_FallBack()
    {
        var pod = Pod("a", "10.0.0.2", "fd00::2").EndpointOf(Web, "");
        ImmutableArray<WeightedWaypoint>[] weightless = [[], [new(GatewayAt("10.9.9.9"), 0)]];
        foreach (var waypoints in weightless)
        {
            var service = Web with { WeightedWaypoints = waypoints };

            foreach (var (vip, dial) in new[] { ("10.0.1.1:80", "10.0.0.2:8080"), ("[fd00:1::1]:80", "[fd00::2]:8080") })
            {
                Assert.Equal((dial, null), Ends(Route(Empty.With(service, pod), vip)));
                var waypoint = Waypoint.EndpointOf(WaypointService, "");
                Assert.Equal(
                    (AddressOfWaypoint(vip), vip),
                    Ends(Route(Empty.With(service with { Waypoint = WaypointByName }, WaypointService, waypoint), vip)));
            }
        }
    }
}
