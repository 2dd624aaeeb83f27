using System.Net;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using Ztunnel.Telemetry;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>Destinations on other networks: data-path 2.2 rows B and E, 2.7, and control-plane 3.7.</summary>
public sealed class NetworkRoutesTests
{
    private const string WebIdentity = "spiffe://cluster.local/ns/ns1/sa/web";

    private static readonly Workload Source = Pod("source", "10.0.0.1", "fd00::1").Hbone();

    private static readonly Service Web = Service("example.com", "80:8080", "10.0.1.1", "fd00:1::1") with
    {
        SubjectAltNames = [WebIdentity, "web.example.com"],
    };

    // As the control plane describes it: of the network behind it, with an address on ours.
    private static readonly Workload Gateway = Pod("gateway", "10.22.1.1") with { Network = "other" };

    [Fact]
    public void O3_O4_GatewayByAddress_DoubleTunnel()
    {
        var route = Route(Empty.With(Web, Gateway, Remote(GatewayAt("10.22.1.1", 15009, "other"))), "10.0.1.1:80");

        Assert.Equal(OutboundProtocol.DoubleHbone, route.Protocol);
        Assert.Equal(("10.22.1.1:15009", "example.com:80"), (route.Dial.ToString(), route.HboneTarget));
        Assert.Equal([Gateway.Identity], route.ExpectedIdentities);
        Assert.Equal([WebIdentity], route.InnerIdentities.Select(identity => identity.ToString()));
        Assert.Same(Gateway, route.DestinationWorkload);
        Assert.Equal("example.com", route.DestinationService?.Hostname);
    }

    [Fact]
    public void O4_GatewayByVip_MapsThePort()
    {
        const string GatewayIdentity = "spiffe://cluster.local/ns/istio-system/sa/gateway";
        var service = Service("gateway.example.com", "15009:15008", "10.22.0.1") with { SubjectAltNames = [GatewayIdentity] };
        var gateway = Gateway.EndpointOf(service, "");

        var route = Route(Empty.With(Web, service, gateway, Remote(GatewayAt("10.22.0.1", 15009))), "10.0.1.1:80");

        Assert.Equal(("10.22.1.1:15008", "example.com:80"), (route.Dial.ToString(), route.HboneTarget));
        Assert.Equal(
            [GatewayIdentity, gateway.Identity.ToString()],
            route.ExpectedIdentities.Select(identity => identity.ToString()));
    }

    [Fact]
    public void O4_GatewayByHostnameOfAService_MapsThePort()
    {
        var service = Service("gateway.example.com", "15009:15008");
        var gateway = Gateway.EndpointOf(service, "");

        var route = Route(
            Empty.With(Web, service, gateway, Remote(GatewayNamed("ns1", "gateway.example.com", 15009))), "10.0.1.1:80");

        Assert.Equal(("10.22.1.1:15008", "example.com:80"), (route.Dial.ToString(), route.HboneTarget));
    }

    [Fact]
    public void O4_GatewayByHostnameOfAWorkload_PortAsItIs()
    {
        var gateway = Gateway with { Hostname = "gateway.example.com" };

        var route = Route(
            Empty.With(Web, gateway, Remote(GatewayNamed("ns1", "gateway.example.com", 15009))), "10.0.1.1:80");

        Assert.Equal(("10.22.1.1:15009", "example.com:80"), (route.Dial.ToString(), route.HboneTarget));
    }

    [Theory]
    [InlineData("10.0.1.1:80", "10.22.1.1:15008")]
    [InlineData("[fd00:1::1]:80", "[fd22::1]:15008")]
    public void GatewayByHostname_FollowsTheFamily(string target, string dial)
    {
        var service = Service("gateway.example.com", "15008:15008");
        var gateway = Pod("gateway", "10.22.1.1", "fd22::1").EndpointOf(service, "") with { Network = "other" };

        var route = Route(Empty.With(Web, service, gateway, Remote(GatewayNamed("ns1", "gateway.example.com"))), target);

        Assert.Equal((dial, "example.com:80"), (route.Dial.ToString(), route.HboneTarget));
    }

    [Theory]
    [InlineData("10.22.1.1", "10.22.1.1:15008")]
    [InlineData("fd22::1", "[fd22::1]:15008")]
    public void GatewayByAddress_ThatAddressWhateverWasDialled(string reference, string dial)
    {
        var gateway = Pod("gateway", "10.22.1.1", "fd22::1") with { Network = "other" };
        var mesh = Empty.With(Web, gateway, Remote(GatewayAt(reference, network: "other")));

        Assert.Equal(dial, Route(mesh, "10.0.1.1:80").Dial.ToString());
        Assert.Equal(dial, Route(mesh, "[fd00:1::1]:80").Dial.ToString());
    }

    [Fact]
    public void RemoteEndpointWithAnAddress_TheGatewayAllTheSame()
    {
        var remote = Remote(GatewayAt("10.22.1.1", network: "other")) with { Addresses = [IPAddress.Parse("10.0.0.2")] };

        Assert.Equal("10.22.1.1:15008", Route(Empty.With(Web, Gateway, remote), "10.0.1.1:80").Dial.ToString());
    }

    [Fact]
    public void O4_O5_ServiceWaypointOnARemoteNetwork_ThroughItsGateway()
    {
        const string WaypointIdentity = "spiffe://cluster.local/ns/ns1/sa/waypoint-service";
        var waypoints = Service("waypoint.example.com", "15008:15008") with { SubjectAltNames = [WaypointIdentity] };
        var waypoint = Pod("waypoint").EndpointOf(waypoints, "") with
        {
            Network = "other",
            NetworkGateway = GatewayAt("10.22.1.1", 15009, "other"),
        };
        var web = Web with { Waypoint = GatewayNamed("ns1", "waypoint.example.com") };

        var route = Route(Empty.With(web, waypoints, waypoint, Gateway), "10.0.1.1:80");

        Assert.Equal(OutboundProtocol.DoubleHbone, route.Protocol);
        Assert.Equal(("10.22.1.1:15009", "example.com:80"), (route.Dial.ToString(), route.HboneTarget));
        Assert.Equal([WaypointIdentity], route.InnerIdentities.Select(identity => identity.ToString()));
        Assert.Equal([Gateway.Identity], route.ExpectedIdentities);
    }

    [Fact]
    public void O5_O6_FailoverByNetwork_RemoteOnlyWhileNothingLocalIsHealthy()
    {
        var failover = Web.Balanced(LoadBalancerMode.Failover, LoadBalancerScope.Network);
        var local = Pod("near", "10.0.0.2").Hbone().EndpointOf(Web, "");
        var remote = Remote(GatewayAt("10.22.1.1", network: "other"));
        var mesh = Empty.With(failover, local, remote, Gateway);

        var healthy = Route(mesh, "10.0.1.1:80");
        var unhealthy = Route(mesh.With(local with { Status = WorkloadStatus.Unhealthy }), "10.0.1.1:80");

        Assert.Equal(
            (OutboundProtocol.Hbone, "10.0.0.2:15008", "10.0.0.2:8080"),
            (healthy.Protocol, healthy.Dial.ToString(), healthy.HboneTarget));
        Assert.Equal(
            (OutboundProtocol.DoubleHbone, "10.22.1.1:15008", "example.com:80"),
            (unhealthy.Protocol, unhealthy.Dial.ToString(), unhealthy.HboneTarget));
    }

    [Fact]
    public void O2_O3_NoGateway_IsRefused()
    {
        var withAddress = Remote(gateway: null) with { Addresses = [IPAddress.Parse("10.0.0.2")] };

        Assert.Equal("no healthy upstream: 10.0.1.1:80", Refused(Empty.With(Web, Remote(gateway: null)), "10.0.1.1:80"));
        Assert.Equal(
            "no valid routing destination for workload: remote.ns1 (remote)",
            Refused(Empty.With(Web, withAddress), "10.0.1.1:80"));
    }

    [Theory]
    [InlineData("10.22.9.9", "other", "other/10.22.9.9:15008")]
    [InlineData("10.22.1.1", "third", "third/10.22.1.1:15008")]
    public void UnknownGatewayAddress_IsRefused(string address, string network, string named) => Assert.Equal(
        $"unknown network gateway: network gateway {named} not found",
        Refused(Empty.With(Web, Gateway, Remote(GatewayAt(address, network: network))), "10.0.1.1:80"));

    [Fact]
    public void UnknownGatewayHostname_IsRefused() => Assert.Equal(
        "unknown network gateway: network gateway gateway.example.com not found",
        Refused(Empty.With(Web, Remote(GatewayNamed("ns1", "gateway.example.com"))), "10.0.1.1:80"));

    [Theory]
    [InlineData("15009:0", "", 15009)] // a named target port that the endpoint has not
    [InlineData("15009:15008", "15010:15008", 15010)] // no port of the service
    public void GatewayServiceWithoutUsableEndpoint_IsRefused(string service, string endpoint, ushort port)
    {
        var gateways = Service("gateway.example.com", service);
        var gateway = Gateway.EndpointOf(gateways, endpoint);

        Assert.Equal(
            $"unknown network gateway: network gateway ns1/gateway.example.com:{port} not found",
            Refused(
                Empty.With(Web, gateways, gateway, Remote(GatewayNamed("ns1", "gateway.example.com", port))), "10.0.1.1:80"));
    }

    [Fact]
    public void GatewayWithoutAddress_IsRefusedByItsName()
    {
        var gateways = Service("gateway.example.com", "15008:15008");
        var gateway = (Gateway with { Addresses = [], NetworkGateway = GatewayAt("10.22.1.1") }).EndpointOf(gateways, "");

        Assert.Equal(
            "no valid routing destination for workload: gateway.ns1 (gateway)",
            Refused(Empty.With(Web, gateways, gateway, Remote(GatewayNamed("ns1", "gateway.example.com"))), "10.0.1.1:80"));
    }

    [Fact]
    public void WorkloadWaypointOnARemoteNetwork_NoService_IsRefused()
    {
        var waypoints = Service("waypoint.example.com", "15008:15008");
        var waypoint = Pod("waypoint").EndpointOf(waypoints, "") with
        {
            Network = "other",
            NetworkGateway = GatewayAt("10.22.1.1", network: "other"),
        };
        var pod = Pod("a", "10.0.0.2").Hbone() with { Waypoint = GatewayNamed("ns1", "waypoint.example.com") };

        Assert.Equal(
            "no service for target address: 10.0.0.2:80",
            Refused(Empty.With(waypoints, waypoint, Gateway, pod), "10.0.0.2:80"));
    }

    [Fact]
    public void ServiceWithoutNames_ExpectsNobody()
    {
        var web = Web with { SubjectAltNames = [] };

        var route = Route(Empty.With(web, Gateway, Remote(GatewayAt("10.22.1.1", network: "other"))), "10.0.1.1:80");

        Assert.Empty(route.InnerIdentities);
    }

    private static Workload Remote(GatewayAddress? gateway) =>
        Pod("remote").Hbone().EndpointOf(Web, "") with { Network = "other", NetworkGateway = gateway };

    private static OutboundRoute Route(MeshSnapshot mesh, string target) => new OutboundRouter("", AnyRandom).Route(
        mesh, Source, IPEndPoint.Parse(target), IPAddress.Parse("10.0.0.1"));

    private static string Refused(MeshSnapshot mesh, string target)
    {
        var refusal = Assert.Throws<ProxyException>(() => Route(mesh, target));
        Assert.Equal(ConnectionFailure.Connect, refusal.Failure);
        return refusal.Message;
    }
}
