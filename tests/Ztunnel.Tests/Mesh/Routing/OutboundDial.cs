using System.Net;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using Ztunnel.Telemetry;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>Dials of a pod with both families, and a service and a waypoint with both to dial.</summary>
internal static class OutboundDial
{
    public static readonly Workload Source = Pod("source", "10.0.0.1", "fd00::1").Hbone();
    public static readonly Service Web = Service("web.example.com", "80:8080", "10.0.1.1", "fd00:1::1");
    public static readonly Workload Waypoint = Pod("waypoint", "10.0.2.1", "fd00:2::1").Hbone();

    /// <summary>For <see cref="Waypoint"/> to be an endpoint of.</summary>
    public static readonly Service WaypointService = Service("waypoint.example.com", "15008:15008");

    public static readonly GatewayAddress WaypointByName = GatewayNamed("ns1", "waypoint.example.com");

    /// <summary>Where <see cref="Waypoint"/> is found by who dials that.</summary>
    public static string AddressOfWaypoint(string target) =>
        target.StartsWith('[') ? "[fd00:2::1]:15008" : "10.0.2.1:15008";

    public static OutboundRoute Route(
        MeshSnapshot snapshot,
        string target,
        Workload? source = null,
        string clientIp = "10.0.0.1",
        string network = "") =>
        new OutboundRouter(network, AnyRandom).Route(
            snapshot, source ?? Source, IPEndPoint.Parse(target), IPAddress.Parse(clientIp));

    /// <summary>As a refusal's text.</summary>
    public static string Refused(MeshSnapshot snapshot, string target, Workload? source = null)
    {
        var refusal = Assert.Throws<ProxyException>(() => Route(snapshot, target, source));
        Assert.Equal(ConnectionFailure.Connect, refusal.Failure);
        return refusal.Message;
    }

    public static OutboundRoute PassThrough(string target) =>
        new() { Protocol = OutboundProtocol.Tcp, Dial = IPEndPoint.Parse(target) };

    /// <summary>Where the connection and, inside of it, the request go.</summary>
    public static (string Dial, string? Authority) Ends(OutboundRoute route) =>
        (route.Dial.ToString(), route.HboneTarget);
}
