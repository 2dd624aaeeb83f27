using System.Net;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using Ztunnel.Telemetry;
using Ztunnel.Tests.Mesh;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Routes to another network in the mesh that a real istiod has sent: a service whose endpoints are all there.</summary>
public sealed class RecordedNetworksTests
{
    private static readonly IPEndPoint EmptyHere = IPEndPoint.Parse("10.96.60.12:80");

    [Theory]
    [InlineData("1 remote-pod", "192.0.2.2:15008")]
    [InlineData("5 gateway-moves", "192.0.2.22:15008")]
    public async Task O3_O4_ServiceOfTheOtherNetwork_ThroughItsGateway(string step, string gateway)
    {
        var (mesh, source) = await PlayToAsync(step);

        var route = Router.Route(mesh, source, EmptyHere, source.Addresses[0]);

        Assert.Equal(OutboundProtocol.DoubleHbone, route.Protocol);
        Assert.Equal(
            (gateway, "empty-here.app.svc.cluster.local:80"), (route.Dial.ToString(), route.HboneTarget));
        Assert.Equal(
            ["spiffe://cluster.local/ns/istio-system/sa/eastwest"],
            route.ExpectedIdentities.Select(identity => identity.ToString()));
        Assert.Equal(
            ["spiffe://cluster.local/ns/app/sa/eh"], route.InnerIdentities.Select(identity => identity.ToString()));
    }

    [Fact]
    public async Task O13_PortWithoutTarget_NoHealthyUpstream()
    {
        var (mesh, source) = await PlayToAsync("1 remote-pod");

        var e = Assert.Throws<ProxyException>(
            () => Router.Route(mesh, source, new IPEndPoint(EmptyHere.Address, 9000), source.Addresses[0]));

        Assert.Equal("no healthy upstream: 10.96.60.12:9000", e.Message);
    }

    private static OutboundRouter Router => new("net-1", TestMesh.AnyRandom);

    private static async Task<(MeshSnapshot Mesh, Workload Source)> PlayToAsync(string last)
    {
        var recording = Recording.Load("multinetwork");
        await using var fixture = await ClientFixture.StartAsync(options => options with { NodeName = recording.Node });
        var stream = await fixture.AcceptAsync();
        foreach (var step in recording.Steps)
        {
            foreach (var message in step.Messages)
            {
                await stream.SendAndReadAckAsync(message);
            }

            if (step.Name == last)
            {
                break;
            }
        }

        var mesh = fixture.Snapshot;
        return (mesh, mesh.FindLocalWorkload(new("a", "default", "a"))!);
    }
}
