using System.Net;
using System.Net.Sockets;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using static Ztunnel.Tests.Mesh.Routing.OutboundDial;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>Workloads with a hostname and no address: data-path 2.3, control-plane 3.6.</summary>
public sealed class NamedRoutesTests
{
    private static readonly IPAddress Found = IPAddress.Parse("192.0.2.7");
    private static readonly IPAddress Found6 = IPAddress.Parse("2001:db8::7");
    private static readonly Workload Named = Pod("vm") with { Hostname = "vm.example.com" };

    [Theory]
    [InlineData("10.0.1.1:80", AddressFamily.InterNetwork)]
    [InlineData("[fd00:1::1]:80", AddressFamily.InterNetworkV6)]
    public void PlainWorkload_IsDialledWhereItsNameLeads(string vip, AddressFamily family)
    {
        var route = Route(Empty.With(Web, Named.EndpointOf(Web, "")), vip);

        Assert.Equal((OutboundProtocol.Tcp, null), (route.Protocol, route.HboneTarget));
        Assert.Equal(("vm.example.com", family), (route.Named?.Workload.Hostname, route.Named?.Family));
        Assert.Equal(("192.0.2.7:8080", null), Ends(Complete(route, Found)));
        Assert.Equal(("[2001:db8::7]:8080", null), Ends(Complete(route, Found6)));
    }

    [Theory]
    [InlineData("10.0.1.1:80")]
    [InlineData("[fd00:1::1]:80")]
    public void HboneWorkload_BothTheTunnelAndTheTargetHaveTheAddress(string vip)
    {
        var route = Route(Empty.With(Web, Named.Hbone().EndpointOf(Web, "80:9090")), vip);

        Assert.Equal(("192.0.2.7:15008", "192.0.2.7:9090"), Ends(Complete(route, Found)));
        Assert.Equal(("[2001:db8::7]:15008", "[2001:db8::7]:9090"), Ends(Complete(route, Found6)));
        Assert.Equal([Named.Identity], route.ExpectedIdentities);
    }

    [Theory]
    [InlineData("10.0.1.1:80")]
    [InlineData("[fd00:1::1]:80")]
    public void Waypoint_OfAService_TheTargetIsTheVip(string vip)
    {
        var waypoint = Named.Hbone().EndpointOf(WaypointService, "15008:15021");
        var mesh = Empty.With(Web with { Waypoint = WaypointByName }, WaypointService, waypoint);

        var route = Route(mesh, vip);

        Assert.Equal(("192.0.2.7:15021", vip), Ends(Complete(route, Found)));
        Assert.Equal([waypoint.Identity], route.ExpectedIdentities);
    }

    [Fact]
    public void Waypoint_OfAWorkload_ByItsOwnHostname_TheTargetIsTheWorkload()
    {
        var pod = Pod("a", "10.0.0.2").Hbone() with { Waypoint = GatewayNamed("ns1", "vm.example.com") };

        var route = Route(Empty.With(pod, Named.Hbone()), "10.0.0.2:80");

        Assert.Equal(("192.0.2.7:15008", "10.0.0.2:80"), Ends(Complete(route, Found)));
    }

    [Theory]
    [InlineData("service", "192.0.2.7:15008")]
    [InlineData("workload", "192.0.2.7:15009")]
    public void O4_Gateway_TheTargetIsTheService(string reference, string dial)
    {
        var gateways = Service("gateway.example.com", "15009:15008");
        var gateway = Named.Hbone() with { Network = "other" };
        var remote = Pod("remote").Hbone().EndpointOf(Web, "") with
        {
            Network = "other",
            NetworkGateway = GatewayNamed("ns1", reference == "service" ? gateways.Hostname : Named.Hostname, 15009),
        };
        var mesh = reference == "service"
            ? Empty.With(Web, remote, gateways, gateway.EndpointOf(gateways, ""))
            : Empty.With(Web, remote, gateway);

        var route = Route(mesh, "10.0.1.1:80");

        Assert.Equal((OutboundProtocol.DoubleHbone, "vm.example.com"), (route.Protocol, route.Named?.Workload.Hostname));
        Assert.Equal((dial, "web.example.com:80"), Ends(Complete(route, Found)));
    }

    /// <summary>A restriction of the service leaves no address: then the name has its turn, and is not restricted.</summary>
    [Fact]
    public void AddressOfTheWrongFamily_TheNameIsAsked()
    {
        var service = Web with { IpFamilies = IpFamilies.IPv6 };
        var pod = Pod("a", "10.0.0.2").EndpointOf(Web, "") with { Hostname = "a.example.com" };

        var route = Route(Empty.With(service, pod), "10.0.1.1:80");

        Assert.Equal("a.example.com", route.Named?.Workload.Hostname);
        Assert.Equal("192.0.2.7:8080", Complete(route, Found).Dial.ToString());
    }

    [Fact]
    public void WorkloadWithAnAddress_ItsNameIsNotAsked()
    {
        var pod = Pod("a", "10.0.0.2").EndpointOf(Web, "") with { Hostname = "a.example.com" };

        var route = Route(Empty.With(Web, pod), "[fd00:1::1]:80");

        Assert.Null(route.Named);
        Assert.Equal("10.0.0.2:8080", route.Dial.ToString());
    }

    /// <summary>What is nobody's passes as it is, the unspecified address too.</summary>
    [Theory]
    [InlineData("0.0.0.0:80")]
    [InlineData("[::]:80")]
    public void UnspecifiedAddress_IsNobodysName(string target) =>
        Assert.Equal(PassThrough(target), Route(Empty.With(Named), target));

    private static OutboundRoute Complete(OutboundRoute route, IPAddress address)
    {
        Assert.NotNull(route.Named);
        var complete = route.Named.Complete(route, address);
        Assert.Null(complete.Named);
        return complete;
    }
}
