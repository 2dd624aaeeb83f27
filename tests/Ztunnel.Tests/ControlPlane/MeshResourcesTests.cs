using ControlPlane;
using Google.Protobuf;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Local;
using Ztunnel.Protos.Discovery;
using Ztunnel.Xds;
using Ztunnel.Xds.Decoding;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>The demo's control plane says what a real istiod said: recorded states survive being served by it.</summary>
public sealed class MeshResourcesTests
{
    [Theory]
    [InlineData("basic")]
    [InlineData("policies")]
    [InlineData("waypoints")]
    [InlineData("external")]
    [InlineData("multinetwork")]
    public void State_OfEachRecordedStep_IsServedAsItIs(string scenario)
    {
        var recorded = new MeshState(MeshSnapshot.Empty(localNode: null), TimeProvider.System);
        foreach (var step in Recording.Load(scenario).Steps)
        {
            foreach (var message in step.Messages)
            {
                Apply(recorded, message);
            }

            var served = new MeshState(MeshSnapshot.Empty(localNode: null), TimeProvider.System);
            foreach (var message in Serve(recorded.Current))
            {
                Apply(served, message.ToByteArray());
            }

            MeshDump.AssertEqual(MeshDump.Of(recorded.Current), served.Current, step.Name);
        }
    }

    private static void Apply(MeshState mesh, byte[] message)
    {
        var response = new ResponseDecoder(subscriptions: null).Decode(message);
        Assert.Null(RejectionText.Of(response));
        response.ApplyTo(mesh, response.Removed);
    }

    private static IEnumerable<DeltaDiscoveryResponse> Serve(MeshSnapshot snapshot)
    {
        var resources = MeshResources.Of(new LocalMesh(
            [.. snapshot.Workloads.Select(workload => new LocalWorkload(workload, workload.Services))],
            [.. snapshot.Services],
            [.. snapshot.Policies]));
        foreach (var typeUrl in (string[])[TypeUrls.Address, TypeUrls.Authorization])
        {
            var first = new DeltaDiscoveryRequest { TypeUrl = typeUrl };
            yield return new Subscription(first).Begin(resources, "1");
        }
    }
}
