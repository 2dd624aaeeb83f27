using System.Collections.Immutable;
using System.Net;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>Data-path 4.3 to 4.6 and the checks I1 to I5 of its section 13.</summary>
public sealed class InboundRouterTests
{
    private static readonly ImmutableArray<ushort> IllegalPorts = [15008, 15006, 15001];
    private static readonly Service Web = Service("web.example.com", "80:8080,81:0,82:15001", "10.0.1.1", "fd00:1::1");
    private static readonly Workload Local = Pod("local", "10.0.0.1", "fd00::1").EndpointOf(Web, "83:9090");
    private static readonly Workload Waypoint = Pod("waypoint", "10.0.2.1", "fd00:2::1");

    [Theory]
    [InlineData("10.0.0.1:80", "10.0.0.1", "10.0.0.1:80")]
    [InlineData("[fd00::1]:80", "fd00::1", "[fd00::1]:80")]
    [InlineData("10.0.0.1:80", "::ffff:10.0.0.1", "10.0.0.1:80")]
    public void I1_OwnAddress_ItselfAndThePort(string authority, string localIp, string expected)
    {
        var route = Accepted(Route(Empty.With(Web, Local), authority, Local, localIp));

        Assert.Equal(expected, route.Target.ToString());
        Assert.Null(route.ProxyDestination);
        Assert.Equal(route.Target, route.Dial(localhostAppTunnel: true));
        Assert.Equal([Web.Hostname], route.CandidateServices.Select(service => service.Hostname));
    }

    [Theory]
    [InlineData("web.example.com:80", 8080)]
    [InlineData("web.example.com:83", 9090)]
    public void I2_Hostname_PortOfTheEndpointElseOfTheService(string authority, int port)
    {
        var web = Web with { Ports = Web.Ports.Add(83, 8083) };

        var route = Accepted(Route(Empty.With(web, Local), authority));
        var overIPv6 = Accepted(Route(Empty.With(web, Local), authority, Local, "fd00::1"));

        Assert.Equal($"10.0.0.1:{port}", route.Target.ToString());
        Assert.Equal($"[fd00::1]:{port}", overIPv6.Target.ToString());
        Assert.Equal([Web.Hostname], route.CandidateServices.Select(service => service.Hostname));
    }

    [Fact]
    public void I2_Hostname_OwnNamespaceAndVisibilityDecide()
    {
        var theirs = Web with { Namespace = "ns2", Ports = Ports("80:1111"), Visibility = Visibility.Namespace };

        Assert.Equal(8080, Accepted(Route(Empty.With(theirs, Web, Local), "web.example.com:80")).Target.Port);
        Assert.Equal(
            InboundRefusal.UnknownHostname("web.example.com"),
            Refused(Route(Empty.With(theirs), "web.example.com:80")));
    }

    [Theory]
    [InlineData("nope.example.com:80", 503, "no service or workload for hostname: nope.example.com")]
    [InlineData("web.example.com:99", 503, "requested service web.example.com:99 found, but cannot resolve port")]
    [InlineData("web.example.com:81", 503, "requested service web.example.com:81 found, but cannot resolve port")]
    [InlineData("web.example.com:82", 503, "attempted recursive call to ourselves")]
    [InlineData("10.0.0.1:15008", 503, "attempted recursive call to ourselves")]
    [InlineData("10.0.0.1:15001", 503, "attempted recursive call to ourselves")]
    [InlineData("10.0.0.9:80", 400, "ip mismatch: 10.0.0.1 != 10.0.0.9")]
    [InlineData("[fd00::9]:80", 400, "ip mismatch: 10.0.0.1 != fd00::9")]
    [InlineData("10.0.0.9:15008", 400, "ip mismatch: 10.0.0.1 != 10.0.0.9")]
    [InlineData("[fd00::1]:80", 400, "ip mismatch: 10.0.0.1 != fd00::1")] // the pod's own, of the other family
    [InlineData("[::ffff:10.0.0.1]:80", 400, "ip mismatch: 10.0.0.1 != ::ffff:10.0.0.1")]
    public void Request_NotForHere_IsRefused(string authority, int status, string error) =>
        Assert.Equal(new InboundRefusal(status, error), Refused(Route(Empty.With(Web, Local), authority)));

    [Fact]
    public void Refusals_BeforeTheRouter_HaveTheirTexts()
    {
        Assert.Equal(new(400, "expected method CONNECT, got GET"), InboundRefusal.NotConnect("GET"));
        Assert.Equal(new(400, "no valid authority pseudo header: x@h"), InboundRefusal.NoAuthority("x@h"));
        Assert.Equal(
            new(503, "failed to fetch information about local workload: a.default (a)"),
            InboundRefusal.UnknownLocalWorkload(new("a", "default", "a")));
    }

    [Theory]
    [InlineData("10.0.2.1")] // pod
    [InlineData("fd00:2::1")]
    [InlineData("10.0.1.9")] // VIP
    [InlineData("fd00:1::9")]
    [InlineData("hostname")]
    [InlineData("weighted")]
    public void I3_Waypoint_AttachedWorkloadOrService_IsAccepted(string reference)
    {
        var waypointService = Service("waypoint.example.com", "15008:15008", "10.0.1.9", "fd00:1::9");
        var waypoint = Waypoint.EndpointOf(waypointService, "");
        var gateway = reference switch
        {
            "hostname" or "weighted" => GatewayNamed("ns1", "waypoint.example.com"),
            _ => GatewayAt(reference),
        };
        var pod = Pod("pod", "10.0.0.5", "fd00::5") with { Waypoint = reference == "weighted" ? GatewayAt("10.0.2.1") : gateway };
        var service = reference == "weighted"
            ? Web with { WeightedWaypoints = [new(GatewayAt("10.9.9.9"), 1), new(gateway, 0)] }
            : Web with { Waypoint = gateway };
        var snapshot = Empty.With(waypointService, waypoint, pod, service);

        foreach (var (localIp, written) in new[] { ("10.0.2.1", "10.0.2.1"), ("fd00:2::1", "[fd00:2::1]") })
        {
            string Target(string authority) =>
                Accepted(Route(snapshot, authority, waypoint, localIp)).Target.ToString();

            Assert.Equal($"{written}:80", Target("10.0.0.5:80"));
            Assert.Equal($"{written}:80", Target("[fd00::5]:80"));
            Assert.Equal($"{written}:443", Target("10.0.1.1:443"));
            Assert.Equal($"{written}:443", Target("[fd00:1::1]:443"));
        }
    }

    /// <summary>Who dials a shared address may mean any of its owners; the waypoint of each is asked rightly.</summary>
    [Theory]
    [InlineData("10.0.1.1:80")]
    [InlineData("[fd00:1::1]:80")]
    public void I3_Waypoint_OfOneOfSeveralThatShareTheAddress_IsAccepted(string authority)
    {
        var attached = GatewayAt("10.0.2.1");
        var range = Service("range.example.com", "80:8080") with
        {
            CidrVips = [new("", IPNetwork.Parse("10.0.1.0/24")), new("", IPNetwork.Parse("fd00:1::/32"))],
        };
        var theirs = Web with { Namespace = "ns2", Visibility = Visibility.Namespace };
        var sharing = Pod("sharing", "10.0.1.1", "fd00:1::1");
        var unattached = Empty.With(Web with { Canonical = true }, theirs, range, sharing, Waypoint);

        bool Accepts(object resource) =>
            Route(unattached.With(resource), authority, Waypoint, "10.0.2.1").IsAccepted;

        Assert.False(Route(unattached, authority, Waypoint, "10.0.2.1").IsAccepted);
        Assert.True(Accepts(theirs with { Waypoint = attached }));
        Assert.True(Accepts(range with { WeightedWaypoints = [new(attached, 1)] }));
        Assert.True(Accepts(sharing with { Waypoint = attached }));
    }

    [Theory]
    [InlineData("10.0.0.5:80", "10.0.0.5:80")]
    [InlineData("10.0.1.1:80", "10.0.1.1:80")]
    [InlineData("web.example.com:80", "10.0.1.1:80")]
    public void I4_ApplicationTunnel_ItsPortAndTheAuthorityAsDestination(string authority, string proxyDestination)
    {
        var sandwiched = Sandwiched(ApplicationTunnelProtocol.Proxy);

        var route = Accepted(Route(Empty.With(Web, sandwiched), authority, sandwiched, "10.0.2.1"));

        Assert.Equal("10.0.2.1:15088", route.Target.ToString());
        Assert.Equal(proxyDestination, route.ProxyDestination?.ToString());
        Assert.Equal("127.0.0.1:15088", route.Dial(localhostAppTunnel: true).ToString());
        Assert.Equal("10.0.2.1:15088", route.Dial(localhostAppTunnel: false).ToString());
    }

    [Fact]
    public void ApplicationTunnel_WithoutProxyProtocol_OverridesThePortOnly()
    {
        var sandwiched = Sandwiched(ApplicationTunnelProtocol.None);

        var route = Accepted(Route(Empty.With(Web, sandwiched), "10.0.0.5:80", sandwiched, "10.0.2.1"));

        Assert.Equal("10.0.2.1:15088", route.Dial(localhostAppTunnel: true).ToString());
        Assert.Null(route.ProxyDestination);
    }

    [Fact]
    public void I4_ApplicationTunnel_OverIPv6_EndsAtItsLoopback()
    {
        var sandwiched = Sandwiched(ApplicationTunnelProtocol.Proxy);

        var route = Accepted(Route(Empty.With(sandwiched), "[fd00::5]:80", sandwiched, "fd00:2::1"));

        Assert.Equal("[fd00:2::1]:15088", route.Target.ToString());
        Assert.Equal("[fd00::5]:80", route.ProxyDestination?.ToString());
        Assert.Equal("[::1]:15088", route.Dial(localhostAppTunnel: true).ToString());
        Assert.Equal("[fd00:2::1]:15088", route.Dial(localhostAppTunnel: false).ToString());
    }

    [Fact]
    public void ApplicationTunnel_RecursiveTarget_IsRefusedBeforeTheOverride()
    {
        var sandwiched = Sandwiched(ApplicationTunnelProtocol.Proxy);

        Assert.Equal(
            InboundRefusal.Recursive(),
            Refused(Route(Empty.With(sandwiched), "10.0.0.5:15008", sandwiched, "10.0.2.1")));
    }

    [Theory]
    [InlineData("10.3.0.1 fd00:1::1", "", "10.3.0.1:80")]
    [InlineData("fd00:1::1 10.3.0.1", "", "10.3.0.1:80")]
    [InlineData("fd00:1::1", "", "[fd00:1::1]:80")]
    [InlineData("fd00:1::1", "10.3.0.1", "[fd00:1::1]:80")] // our network before the family
    public void ApplicationTunnel_Hostname_VipOfOurNetworkThenIPv4(string vips, string otherVip, string expected)
    {
        var sandwiched = Sandwiched(ApplicationTunnelProtocol.Proxy);
        var service = Service("web.example.com", "80:8080", vips.Split(' '));
        service = otherVip.Length == 0
            ? service
            : service with { Vips = service.Vips.Insert(0, At(otherVip, network: "other")) };

        var route = Accepted(Route(Empty.With(service, sandwiched), "web.example.com:80", sandwiched, "10.0.2.1"));

        Assert.Equal(expected, route.ProxyDestination?.ToString());
    }

    [Fact]
    public void ApplicationTunnel_HostnameWithoutVip_IsRefused()
    {
        var sandwiched = Sandwiched(ApplicationTunnelProtocol.Proxy);
        var headless = Service("web.example.com", "80:8080");

        Assert.Equal(
            new InboundRefusal(503, "requested service web.example.com found, but has no IP addresses"),
            Refused(Route(Empty.With(headless, sandwiched), "web.example.com:80", sandwiched, "10.0.2.1")));
    }

    [Fact]
    public void I5_Waypoint_NotAttachedThatWay_IsRefused()
    {
        var pod = Pod("pod", "10.0.0.5", "fd00::5").EndpointOf(Web, "");
        var attachedPod = pod with { Waypoint = GatewayAt("10.0.2.1") };
        var attachedService = Web with { Waypoint = GatewayAt("10.0.2.1") };

        bool Accepts(string authority, params ReadOnlySpan<object> resources) =>
            Route(Empty.With(resources).With(Waypoint), authority, Waypoint, "10.0.2.1").IsAccepted;

        foreach (var (ofPod, ofService, ofNobody) in new[]
        {
            ("10.0.0.5:80", "10.0.1.1:80", "10.0.0.6:80"), ("[fd00::5]:80", "[fd00:1::1]:80", "[fd00::6]:80"),
        })
        {
            Assert.False(Accepts(ofPod, Web, pod));
            Assert.False(Accepts(ofService, Web, pod));
            Assert.True(Accepts(ofPod, Web, attachedPod));
            Assert.False(Accepts(ofService, Web, attachedPod));
            Assert.True(Accepts(ofService, attachedService, pod));
            Assert.False(Accepts(ofPod, attachedService, pod));
            Assert.False(Accepts(ofNobody, attachedService, attachedPod));
        }
    }

    [Theory]
    [InlineData(null, 8080, "a.example.com")] // by the service's target port
    [InlineData(null, 7070, "b.example.com")] // by the pod's own port
    [InlineData(null, 9, null)]
    [InlineData("b.example.com", 8080, "b.example.com")]
    [InlineData("b.example.com", 9, "b.example.com")]
    [InlineData("other.example.com", 8080, "a.example.com")]
    public void DestinationService_ClaimedCandidateElseFirstByPort(string? forwarded, int port, string? expected)
    {
        var (a, b) = (Service("a.example.com", "80:8080"), Service("b.example.com", "80:8080"));
        var local = Pod("local", "10.0.0.1").EndpointOf(b, "80:7070").EndpointOf(a, "");
        var route = Accepted(Route(Empty.With(b, a, local), $"10.0.0.1:{port}", local));

        Assert.Equal(expected, route.DestinationService(forwarded, local)?.Hostname);
    }

    /// <summary>Data-path 14.23: Kubernetes' own services first, then those of the pod's namespace, then by name.</summary>
    [Fact]
    public void DestinationService_SeveralFit_IsTheSameWheneverAsked()
    {
        var entry = Service("a.example.com", "80:8080") with { Namespace = "ns2" };
        var neighbours = Service("c.example.com", "80:8080");
        var own = Service("d.ns1.svc.cluster.local", "80:8080") with { Canonical = true, Namespace = "ns3" };
        var local = Pod("local", "10.0.0.1")
            .EndpointOf(entry, "").EndpointOf(neighbours, "").EndpointOf(own, "");

        string? Guess(params ReadOnlySpan<object> services) =>
            Accepted(Route(Empty.With(services).With(local), "10.0.0.1:8080", local))
                .DestinationService(forwardedHost: null, local)?.Hostname;

        Assert.Equal(own.Hostname, Guess(entry, neighbours, own));
        Assert.Equal(own.Hostname, Guess(own, neighbours, entry));
        Assert.Equal(neighbours.Hostname, Guess(entry, neighbours));
        Assert.Equal(entry.Hostname, Guess(entry));
    }

    private static Workload Sandwiched(ApplicationTunnelProtocol protocol) =>
        Pod("waypoint", "10.0.2.1", "fd00:2::1") with { ApplicationTunnel = new(protocol, 15088) };

    private static InboundDecision Route(
        MeshSnapshot snapshot, string authority, Workload? local = null, string localIp = "10.0.0.1") =>
        new InboundRouter("", IllegalPorts).Route(
            snapshot, local ?? Local, IPAddress.Parse(localIp), HboneAuthority.TryParse(authority)!);

    private static InboundRoute Accepted(InboundDecision decision)
    {
        Assert.True(decision.IsAccepted, decision.Refusal?.Error);
        Assert.Null(decision.Refusal);
        return decision.Route;
    }

    private static InboundRefusal Refused(InboundDecision decision)
    {
        Assert.False(decision.IsAccepted);
        return decision.Refusal;
    }
}
