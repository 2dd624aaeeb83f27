using System.Net;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using static Ztunnel.Tests.Mesh.Routing.OutboundDial;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>Data-path 2.2 and the checks O1 to O25 of its section 13.</summary>
public sealed class OutboundRouterTests
{
    [Theory]
    [InlineData("1.2.3.4:8080")]
    [InlineData("[fd09::1]:8080")]
    public void O1_UnknownAddress_PassesThrough(string target) =>
        Assert.Equal(PassThrough(target), Route(Empty, target));

    [Theory]
    [InlineData("10.0.1.1:80")]
    [InlineData("[fd00:1::1]:80")]
    public void O2_EndpointOnOtherNetworkWithoutGateway_IsRefused(string vip)
    {
        var remote = Pod("remote").EndpointOf(Web, "") with { Network = "other" };
        var withAddress = Pod("remote", "10.0.0.2", "fd00::2").EndpointOf(Web, "") with { Network = "other" };

        Assert.Equal($"no healthy upstream: {vip}", Refused(Empty.With(Web, remote), vip));
        Assert.Equal(
            "no valid routing destination for workload: remote.ns1 (remote)", Refused(Empty.With(Web, withAddress), vip));
    }

    [Theory]
    [InlineData("10.0.1.1:80", "10.0.0.2")]
    [InlineData("[fd00:1::1]:80", "[fd00::2]")]
    public void O6_FailoverByNetwork_HealthyLocalEndpointIsUsed(string vip, string pod)
    {
        var failover = Web.Balanced(LoadBalancerMode.Failover, LoadBalancerScope.Network);
        var local = Pod("near", "10.0.0.2", "fd00::2").Hbone().EndpointOf(Web, "");
        var remote = Pod("far").EndpointOf(Web, "") with { Network = "other", NetworkGateway = GatewayAt("10.22.1.1") };

        Assert.Equal(($"{pod}:15008", $"{pod}:8080"), Ends(Route(Empty.With(failover, local, remote), vip)));
    }

    [Theory]
    [InlineData("local", "10.0.0.2")]
    [InlineData("remote", "10.0.0.2")]
    [InlineData("local", "[fd00::2]")]
    [InlineData("remote", "[fd00::2]")]
    public void O7_PlainWorkload_OnAnyNode_PlainTcp(string node, string address)
    {
        var pod = Pod("a", "10.0.0.2", "fd00::2") with { Node = node };

        var route = Route(Empty.With(pod), $"{address}:80");

        Assert.Equal((OutboundProtocol.Tcp, $"{address}:80"), (route.Protocol, route.Dial.ToString()));
        Assert.Null(route.HboneTarget);
        Assert.Empty(route.ExpectedIdentities);
        Assert.Same(pod, route.DestinationWorkload);
    }

    [Theory]
    [InlineData("local", "10.0.0.2")]
    [InlineData("remote", "10.0.0.2")]
    [InlineData("local", "[fd00::2]")]
    [InlineData("remote", "[fd00::2]")]
    public void O8_HboneWorkload_OnAnyNode_Tunnel(string node, string address)
    {
        var pod = Pod("a", "10.0.0.2", "fd00::2").Hbone() with { Node = node };

        var route = Route(Empty.With(pod), $"{address}:80");

        Assert.Equal(OutboundProtocol.Hbone, route.Protocol);
        Assert.Equal(($"{address}:15008", $"{address}:80"), Ends(route));
        Assert.Equal([pod.Identity], route.ExpectedIdentities);
        Assert.Same(pod, route.DestinationWorkload);
        Assert.Null(route.DestinationService);
    }

    [Fact]
    public void O13_ServiceWithoutEndpointsOrPort_IsRefused()
    {
        var pod = Pod("a", "10.0.0.2").EndpointOf(Web, "");

        Assert.Equal("no healthy upstream: 10.0.1.1:80", Refused(Empty.With(Web), "10.0.1.1:80"));
        Assert.Equal("no healthy upstream: 10.0.1.1:81", Refused(Empty.With(Web, pod), "10.0.1.1:81"));
        Assert.Equal("no healthy upstream: [fd00:1::1]:80", Refused(Empty.With(Web), "[fd00:1::1]:80"));
        Assert.Equal("no healthy upstream: [fd00:1::1]:81", Refused(Empty.With(Web, pod), "[fd00:1::1]:81"));
    }

    [Theory]
    [InlineData("10.0.1.1:80", "10.0.0.2")]
    [InlineData("[fd00:1::1]:80", "[fd00::2]")]
    public void O14_NamedPort_PodsOwnPortIsUsed(string vip, string address)
    {
        var named = Service("named.example.com", "80:0", "10.0.1.1", "fd00:1::1");
        var pod = Pod("a", "10.0.0.2", "fd00::2").Hbone().EndpointOf(named, "80:1234");
        var other = Pod("b", "10.0.0.3", "fd00::3").Hbone().EndpointOf(named, "");

        Assert.Equal(($"{address}:15008", $"{address}:1234"), Ends(Route(Empty.With(named, pod, other), vip)));
    }

    [Theory]
    [InlineData("10.0.1.1:80", "10.0.0.2:8080")]
    [InlineData("[fd00:1::1]:80", "[fd00::2]:8080")]
    public void O15_HostNetworkPod_ReachedThroughVipOnly(string vip, string address)
    {
        var pod = Pod("a", "10.0.0.2", "fd00::2").EndpointOf(Web, "") with { NetworkMode = NetworkMode.HostNetwork };
        var neighbour = Pod("b", "10.0.0.2", "fd00::2") with { NetworkMode = NetworkMode.HostNetwork };
        var snapshot = Empty.With(Web, pod, neighbour);

        var throughVip = Route(snapshot, vip);
        Assert.Equal(address, throughVip.Dial.ToString());
        Assert.Same(pod, throughVip.DestinationWorkload);

        Assert.Equal(PassThrough(address), Route(snapshot, address));
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

    [Theory]
    [InlineData("10.0.1.1:80")]
    [InlineData("[fd00:1::1]:80")]
    public void O18_PassthroughService_DialledAddressUnlessWaypoint(string vip)
    {
        var passthrough = Web.Balanced(LoadBalancerMode.Passthrough);
        var pod = Pod("a", "10.0.0.2", "fd00::2").Hbone().EndpointOf(Web, "");
        var waypoint = Waypoint.EndpointOf(WaypointService, "");

        var direct = Route(Empty.With(passthrough, pod), vip);
        var throughWaypoint = Route(
            Empty.With(passthrough with { Waypoint = WaypointByName }, WaypointService, pod, waypoint), vip);

        // Nobody is chosen, but the service is known: metrics and logs name it.
        Assert.Equal((OutboundProtocol.Tcp, vip), (direct.Protocol, direct.Dial.ToString()));
        Assert.Null(direct.DestinationWorkload);
        Assert.Equal(Web.Hostname, direct.DestinationService?.Hostname);
        Assert.Equal((AddressOfWaypoint(vip), vip), Ends(throughWaypoint));
        Assert.Equal(Web.Hostname, throughWaypoint.DestinationService?.Hostname);
    }

    [Theory]
    [InlineData("10.99.1.2:443", "10.0.0.2")]
    [InlineData("[fd99::1:2]:443", "[fd00::2]")]
    public void CidrVip_IsBalancedLikeAVip(string target, string pod)
    {
        var service = Service("range.example.com", "443:8443") with
        {
            CidrVips = [new("", IPNetwork.Parse("10.99.0.0/16")), new("", IPNetwork.Parse("fd99::/64"))],
        };
        var endpoint = Pod("a", "10.0.0.2", "fd00::2").Hbone().EndpointOf(service, "");

        var route = Route(Empty.With(service, endpoint), target);

        Assert.Equal(($"{pod}:15008", $"{pod}:8443"), Ends(route));
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
}
