using System.Net;
using Ztunnel.Mesh;
using static Ztunnel.Tests.Mesh.Routing.OutboundDial;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>Services with ranges of virtual addresses: data-path 2.2 and 2.3.</summary>
public sealed class RangeRoutesTests
{
    private static readonly Service Ranged = Service("ranged.example.com", "443:8443") with
    {
        CidrVips = [Range("10.50.0.0/16"), Range("fd50::/32")],
    };

    private static readonly Workload Endpoint = Pod("a", "10.0.0.2", "fd00::2").Hbone().EndpointOf(Ranged, "");

    [Theory]
    [InlineData("10.50.7.7:443", "10.0.2.1:15008")]
    [InlineData("[fd50:0:7::7]:443", "[fd00:2::1]:15008")]
    [InlineData("10.50.7.7:9999", "10.0.2.1:15008")] // the waypoint chooses: the port need not exist
    public void O12_AddressOfARange_ServiceWaypoint_TunnelKeepsWhatWasDialled(string dialled, string dial)
    {
        var waypoint = Waypoint.EndpointOf(WaypointService, "");
        var mesh = Empty.With(Ranged with { Waypoint = WaypointByName }, WaypointService, waypoint, Endpoint);

        var route = Route(mesh, dialled);

        Assert.Equal((dial, dialled), Ends(route));
        Assert.Equal([Waypoint.Identity], route.ExpectedIdentities);
        Assert.Equal(Ranged.Hostname, route.DestinationService?.Hostname);
    }

    /// <summary>A waypoint that nobody knows is not passed by because the address is one of many.</summary>
    [Fact]
    public void AddressOfARange_WaypointUnknown_IsRefused() => Assert.Equal(
        "unknown waypoint: waypoint waypoint.example.com not found",
        Refused(Empty.With(Ranged with { Waypoint = WaypointByName }, Endpoint), "10.50.7.7:443"));

    [Fact]
    public void O21_AddressOfARange_WeightedWaypoints_AreSampled()
    {
        var service = Ranged with
        {
            WeightedWaypoints = [new(GatewayAt("10.9.9.9"), 0), new(GatewayAt("10.0.2.1"), 1)],
        };

        Assert.Equal(("10.0.2.1:15008", "10.50.0.1:443"), Ends(Route(Empty.With(service, Waypoint), "10.50.0.1:443")));
    }

    [Theory]
    [InlineData("10.50.7.7:443", "10.0.0.2:15008", "10.0.0.2:8443")]
    [InlineData("[fd50:0:7::7]:443", "[fd00::2]:15008", "[fd00::2]:8443")]
    public void AddressOfARange_NoWaypoint_OneOfTheEndpoints(string dialled, string dial, string target) =>
        Assert.Equal((dial, target), Ends(Route(Empty.With(Ranged, Endpoint), dialled)));

    /// <summary>Whoever has the address itself comes before the range that it lies in: a pod, or a service's own address.</summary>
    [Fact]
    public void AddressOfSomebodyInARange_IsTheirs()
    {
        var ranged = Ranged with { Waypoint = WaypointByName };
        var waypoint = Waypoint.EndpointOf(WaypointService, "");
        var pod = Pod("inside", "10.50.7.7").Hbone();
        var exact = Service("exact.example.com", "443:9443", "10.50.7.8");
        var mesh = Empty.With(ranged, WaypointService, waypoint, pod, exact, Endpoint.EndpointOf(exact, ""));

        Assert.Equal(("10.50.7.7:15008", "10.50.7.7:443"), Ends(Route(mesh, "10.50.7.7:443")));
        Assert.Equal(("10.0.0.2:15008", "10.0.0.2:9443"), Ends(Route(mesh, "10.50.7.8:443")));
        Assert.Equal(("10.0.2.1:15008", "10.50.7.9:443"), Ends(Route(mesh, "10.50.7.9:443")));
    }

    [Fact]
    public void O18_AddressOfARange_Passthrough_GoesWhereItWasDialledUnlessThereIsAWaypoint()
    {
        var passthrough = Ranged.Balanced(LoadBalancerMode.Passthrough);
        var waypoint = Waypoint.EndpointOf(WaypointService, "");

        Assert.Equal(("10.50.7.7:443", null), Ends(Route(Empty.With(passthrough, Endpoint), "10.50.7.7:443")));
        Assert.Equal(
            ("10.0.2.1:15008", "10.50.7.7:443"),
            Ends(Route(
                Empty.With(passthrough with { Waypoint = WaypointByName }, WaypointService, waypoint), "10.50.7.7:443")));
    }

    private static CidrVip Range(string range) => new("", IPNetwork.Parse(range));
}
