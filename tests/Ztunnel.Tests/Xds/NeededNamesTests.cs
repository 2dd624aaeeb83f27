using System.Net;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using Ztunnel.Xds;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Xds;

/// <summary>What is missing for a decision, by the names that the control plane knows it by: control-plane 2.6.</summary>
public sealed class NeededNamesTests
{
    private const string Web = "web.ns1.svc.cluster.local";
    private const string Waypoint = "waypoint.ns1.svc.cluster.local";

    private static readonly Service WebService = Service(Web, "80:8080", "10.1.0.1");
    private static readonly Service Waypoints = Service(Waypoint, "15008:15008", "10.1.0.9");
    private static readonly Workload Server = Pod("server", "10.0.0.1").Hbone();
    private static readonly Workload Remote = Pod("remote").EndpointOf(WebService, "") with
    {
        Network = "other",
        NetworkGateway = GatewayAt("10.22.1.1", network: "other"),
    };

    [Theory]
    [InlineData("10.9.9.9", "net1/10.9.9.9")]
    [InlineData("fd00::9", "net1/fd00::9")]
    public void Address_Unknown_ByItself(string address, string name) =>
        Assert.Equal([name], NeededNames.OfAddress(Empty.With(WebService, Server), At(address, "net1")));

    [Fact]
    public void Address_OfAnotherNetwork_IsUnknown() =>
        Assert.Equal(["other/10.0.0.1"], NeededNames.OfAddress(Empty.With(Server), At("10.0.0.1", "other")));

    [Fact]
    public void Address_OfAKnownPodOrService_Nothing()
    {
        var mesh = Empty.With(WebService, Server, Pod("a", "10.0.0.2").EndpointOf(WebService, ""));

        Assert.Empty(NeededNames.OfAddress(mesh, At("10.0.0.1")));
        Assert.Empty(NeededNames.OfAddress(mesh, At("10.1.0.1")));
    }

    /// <summary>An address in a range of a service is answered as unknown, so asking would be in vain.</summary>
    [Fact]
    public void Address_InARange_OnlyWhatTheServiceLacks()
    {
        var ranged = WebService with
        {
            Vips = [],
            CidrVips = [new("", IPNetwork.Parse("10.50.0.0/16"))],
            Waypoint = GatewayNamed("ns1", Waypoint),
        };

        Assert.Equal([$"ns1/{Waypoint}"], NeededNames.OfAddress(Empty.With(ranged), At("10.50.7.7")));
        Assert.Empty(NeededNames.OfAddress(Empty.With(ranged, Waypoints), At("10.50.7.7")));
    }

    [Fact]
    public void Waypoints_OfAService_EachThatIsUnknown()
    {
        var web = WebService with
        {
            Waypoint = GatewayNamed("ns1", Waypoint),
            WeightedWaypoints = [new(GatewayAt("10.9.9.1", network: "net1"), 1), new(GatewayAt("10.0.0.1"), 1)],
        };

        Assert.Equal([$"ns1/{Waypoint}", "net1/10.9.9.1"], NeededNames.OfAddress(Empty.With(web, Server), At("10.1.0.1")));
    }

    [Fact]
    public void Waypoint_OfAWorkload_IfItIsUnknown()
    {
        var pod = Pod("a", "10.0.0.2") with { Waypoint = GatewayAt("10.9.9.1") };

        Assert.Equal(["/10.9.9.1"], NeededNames.OfAddress(Empty.With(pod), At("10.0.0.2")));
        Assert.Empty(NeededNames.OfAddress(Empty.With(pod, Pod("waypoint", "10.9.9.1")), At("10.0.0.2")));
    }

    [Fact]
    public void Gateway_OfARemoteEndpoint_IfItIsUnknown()
    {
        var gateway = Pod("gateway", "10.22.1.1") with { Network = "other" };

        Assert.Equal(["other/10.22.1.1"], NeededNames.OfAddress(Empty.With(WebService, Remote), At("10.1.0.1")));
        Assert.Empty(NeededNames.OfAddress(Empty.With(WebService, Remote, gateway), At("10.1.0.1")));
    }

    /// <summary>Two steps on: the waypoint is known, and the gateway that it is behind is not.</summary>
    [Fact]
    public void Gateway_OfARemoteWaypoint_IfItIsUnknown()
    {
        var waypoint = Pod("waypoint").EndpointOf(Waypoints, "") with
        {
            Network = "other",
            NetworkGateway = GatewayNamed("istio-system", "gateway.example.com"),
        };
        var web = WebService with { Waypoint = GatewayNamed("ns1", Waypoint) };

        Assert.Equal(
            ["istio-system/gateway.example.com"],
            NeededNames.OfAddress(Empty.With(web, Waypoints, waypoint), At("10.1.0.1")));
    }

    /// <summary>Ten endpoints behind one gateway need it once.</summary>
    [Fact]
    public void Gateway_OfManyEndpoints_Once()
    {
        object[] mesh =
        [
            WebService,
            .. Enumerable.Range(0, 10).Select(i => Remote with { Uid = $"remote-{i}", Name = $"remote-{i}" }),
        ];

        Assert.Equal(["other/10.22.1.1"], NeededNames.OfAddress(Empty.With(mesh), At("10.1.0.1")));
    }

    /// <summary>A caller of 15008 may mean the pod that has a service's address.</summary>
    [Fact]
    public void Address_OfAServiceAndAPod_WhatEitherLacks()
    {
        var pod = Pod("a", "10.1.0.1") with { Waypoint = GatewayAt("10.9.9.1") };

        Assert.Equal(["/10.9.9.1"], NeededNames.OfAddress(Empty.With(WebService, pod), At("10.1.0.1")));
    }

    [Fact]
    public void Pod_Unknown_ByItsUid()
    {
        Assert.Equal(["c1//Pod/ns1/server"], NeededNames.OfPod(Empty, Server.Info, "c1"));
        Assert.Empty(NeededNames.OfPod(Empty.With(Server), Server.Info, "c1"));
    }

    [Theory]
    [InlineData("web:80", "ns1/web")]
    [InlineData("web.example.com:80", "ns1/web.example.com")]
    [InlineData("web.ns1.svc.cluster.local:80", "ns1/web.ns1.svc.cluster.local")]
    [InlineData("web.ns2.svc.cluster.local:80", "ns1/web.ns2.svc.cluster.local ns2/web.ns2.svc.cluster.local")]
    [InlineData("web..svc.cluster.local:80", "ns1/web..svc.cluster.local")]
    public void Target_ByHostname_InThePodsNamespaceAndItsOwn(string authority, string names) =>
        Assert.Equal(names.Split(' '), OfTarget(Empty, authority));

    [Fact]
    public void Target_ByHostname_Known_Nothing() =>
        Assert.Empty(OfTarget(Empty.With(WebService), $"{Web}:80"));

    [Theory]
    [InlineData("10.0.0.1:80", "")] // its own
    [InlineData("10.9.9.9:80", "net1/10.9.9.9")] // one that it may be the waypoint of
    [InlineData("[fd00::9]:80", "net1/fd00::9")]
    [InlineData("[::ffff:10.9.9.9]:80", "")] // always refused
    public void Target_ByAddress_UnlessItIsThePods(string authority, string names) =>
        Assert.Equal(names.Split(' ', StringSplitOptions.RemoveEmptyEntries), OfTarget(Empty, authority));

    /// <summary>Who has an application tunnel takes any address: nothing has to be known of it.</summary>
    [Fact]
    public void Target_OfAnApplicationTunnel_Nothing()
    {
        var tunnelling = Server with { ApplicationTunnel = new(ApplicationTunnelProtocol.Proxy, 15088) };

        Assert.Empty(NeededNames.OfTarget(
            Empty, tunnelling, IPAddress.Parse("10.0.0.1"), "net1", Authority("10.9.9.9:80")));
    }

    [Fact]
    public void Labels_TheCallerAndThePodsServices()
    {
        var local = Server.EndpointOf(WebService, "").EndpointOf(Waypoints, "");
        var mesh = Empty.With(Waypoints);

        Assert.Equal(["/10.9.9.9", $"ns1/{Web}"], NeededNames.OfLabels(mesh, local, At("10.9.9.9")));
        Assert.Equal([$"ns1/{Web}"], NeededNames.OfLabels(mesh, local, caller: null));
        Assert.Empty(NeededNames.OfLabels(mesh.With(WebService, Server), local, At("10.0.0.1")));
    }

    private static IEnumerable<string> OfTarget(MeshSnapshot mesh, string authority) =>
        NeededNames.OfTarget(mesh, Server, IPAddress.Parse("::ffff:10.0.0.1"), "net1", Authority(authority));

    private static HboneAuthority Authority(string text) => HboneAuthority.TryParse(text)!;
}
