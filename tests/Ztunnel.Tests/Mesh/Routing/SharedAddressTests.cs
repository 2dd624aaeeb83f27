using System.Net;
using Ztunnel.Mesh;
using static Ztunnel.Tests.Mesh.Routing.OutboundDial;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>An address that is both a service's and a workload's means one of them, in every step; data-path 14.13.</summary>
public sealed class SharedAddressTests
{
    private static readonly Workload Endpoint = Pod("a", "10.0.0.2", "fd00::2").Hbone().EndpointOf(Web, "");

    private static readonly Service Range = Service("range.example.com", "80:8080") with
    {
        CidrVips = [new("", IPNetwork.Parse("10.0.0.0/16")), new("", IPNetwork.Parse("fd00::/32"))],
    };

    [Theory]
    [InlineData("10.0.1.1")]
    [InlineData("[fd00:1::1]")]
    public void ServiceAndWorkload_MeanTheService(string vip)
    {
        var sharing = Pod("sharing", "10.0.1.1", "fd00:1::1").Hbone() with { Waypoint = GatewayAt("10.9.9.9") };
        var mesh = Empty.With(Web, sharing);

        Assert.Equal($"no healthy upstream: {vip}:80", Refused(mesh, $"{vip}:80"));
        var route = Route(mesh.With(Endpoint), $"{vip}:80");
        Assert.Equal(Web.Hostname, route.DestinationService?.Hostname);
        Assert.Equal(vip.StartsWith('[') ? "[fd00::2]:8080" : "10.0.0.2:8080", route.HboneTarget);
    }

    /// <summary>What the service's traffic must go through, it goes through; the endpoint's own waypoint is not asked.</summary>
    [Theory]
    [InlineData("10.0.1.1:80")]
    [InlineData("[fd00:1::1]:80")]
    public void ServiceAndWorkload_TheServicesWaypointIsNotPassedBy(string vip)
    {
        var mesh = Empty.With(
            Web with { Waypoint = WaypointByName },
            WaypointService,
            Waypoint.EndpointOf(WaypointService, ""),
            Endpoint with { Waypoint = GatewayAt("10.9.9.9") },
            Pod("sharing", "10.0.1.1", "fd00:1::1"));

        Assert.Equal((AddressOfWaypoint(vip), vip), Ends(Route(mesh, vip)));
    }

    [Theory]
    [InlineData(nameof(LoadBalancerMode.Standard), "10.0.0.9")]
    [InlineData(nameof(LoadBalancerMode.Standard), "[fd00::9]")]
    [InlineData(nameof(LoadBalancerMode.Passthrough), "10.0.0.9")]
    [InlineData(nameof(LoadBalancerMode.Passthrough), "[fd00::9]")]
    public void WorkloadInsideOfARange_IsThatWorkloadAndKeepsItsTunnel(string mode, string address)
    {
        var range = Range.Balanced(Enum.Parse<LoadBalancerMode>(mode)) with { Waypoint = WaypointByName };
        var inside = Pod("inside", "10.0.0.9", "fd00::9").Hbone();
        var mesh = Empty.With(range, WaypointService, Waypoint.EndpointOf(WaypointService, ""), Endpoint, inside);

        var route = Route(mesh, $"{address}:80");

        Assert.Equal(($"{address}:15008", $"{address}:80"), Ends(route));
        Assert.Same(inside, route.DestinationWorkload);
        Assert.Null(route.DestinationService);
        var other = address.StartsWith('[') ? "[fd00::99]:80" : "10.0.0.99:80";
        Assert.Equal((AddressOfWaypoint(other), other), Ends(Route(mesh, other)));
    }

    [Fact]
    public void VipInsideOfARange_IsTheVip()
    {
        var mesh = Empty.With(Range, Web, Endpoint);

        Assert.Equal(Web.Hostname, Route(mesh, "10.0.1.1:80").DestinationService?.Hostname);
        Assert.Equal(Web.Hostname, Route(mesh, "[fd00:1::1]:80").DestinationService?.Hostname);
    }

    /// <summary>
    /// NETWORK of the proxy and the network of its pods should be equal. When they are not, what either knows as a service
    /// is not passed through as if it were nobody's.
    /// </summary>
    [Fact]
    public void NetworkOfTheProxy_DiffersFromThePods_ServicesOfBothAreKnown()
    {
        var source = Source with { Network = "net1" };
        var ofThePods = Web with { Vips = [At("10.0.1.1", "net1")], Waypoint = GatewayAt("10.0.2.1", network: "net1") };
        var waypoint = Waypoint with { Network = "net1" };
        var ofTheProxy = Service("other.example.com", "80:8080", "10.0.1.2");
        var mesh = Empty.With(ofThePods, waypoint, ofTheProxy);

        Assert.Equal(("10.0.2.1:15008", "10.0.1.1:80"), Ends(Route(mesh, "10.0.1.1:80", source)));
        Assert.Equal("no healthy upstream: 10.0.1.2:80", Refused(mesh, "10.0.1.2:80", source));
        Assert.Equal(PassThrough("10.0.1.3:80"), Route(mesh, "10.0.1.3:80", source));
    }
}
