using System.Net;
using System.Text.Json;
using Fixtures;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Local;
using Ztunnel.Mesh.Routing;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>
/// What the reference answered to recorded requests on port 15008 of pod b, replayed on the same mesh file.
/// </summary>
public sealed class RecordedInboundTests
{
    private static readonly MeshSnapshot Mesh =
        LocalMeshFile.Load(Fixture.PathOf("mesh", "twopods.yaml")).ApplyTo(Empty);

    private static readonly Workload PodB = Mesh.FindLocalWorkload(new("b", "shop", "b"))!;

    // The authorities are HPACK literals in `sent`; what policy or the application refuses is not ours to decide.
    [Theory]
    [InlineData("success, two bytes, then end", "10.77.0.2:7007", 200, "10.77.0.2:7007")]
    [InlineData("success by hostname", "b.shop.svc.cluster.local:80", 200, "10.77.0.2:7007")]
    [InlineData("not ours", "10.77.0.200:80", 400, null)]
    [InlineData("recursive", "10.77.0.2:15008", 503, null)]
    [InlineData("hostname unknown", "nope.example.com:80", 503, null)]
    [InlineData("no port", "10.77.0.2", 400, null)]
    public void Request_Recorded_IsDecidedAlike(string name, string authority, int status, string? target)
    {
        using var recordings = JsonDocument.Parse(Fixture.Read("hbone", "inbound.json"));
        var recording = recordings.RootElement.EnumerateArray().Single(r => r.GetProperty("case").GetString() == name);
        var recordedStatus = Header(recording, ":status");

        Assert.Equal(recordedStatus, StatusOf(authority).ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(status, StatusOf(authority));
        if (target is not null)
        {
            Assert.Equal(target, Decide(authority).Route?.Target.ToString());
            Assert.Equal(Header(recording, "baggage"), Baggage.Format(PodB)); // I6
        }
    }

    [Fact]
    public void FileWorkload_ByAddress_HasNoServices() =>
        Assert.Empty(Decide("10.77.0.2:7007").Route!.CandidateServices);

    private static int StatusOf(string authority) =>
        HboneAuthority.TryParse(authority) is null
            ? InboundRefusal.NoAuthority(authority).StatusCode
            : Decide(authority).Refusal?.StatusCode ?? 200;

    private static InboundDecision Decide(string authority) => new InboundRouter("", [15008, 15006, 15001]).Route(
        Mesh, PodB, IPAddress.Parse("10.77.0.2"), HboneAuthority.TryParse(authority)!);

    private static string? Header(JsonElement recording, string name) =>
        recording.GetProperty("frames").EnumerateArray()
            .Where(frame => frame.TryGetProperty("headers", out _))
            .SelectMany(frame => frame.GetProperty("headers").EnumerateArray())
            .First(header => header[0].GetString() == name)[1].GetString();
}
