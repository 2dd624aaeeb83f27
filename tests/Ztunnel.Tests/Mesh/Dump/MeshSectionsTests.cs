using System.Buffers;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fixtures;
using Ztunnel.Admin;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Dump;
using Ztunnel.Mesh.Local;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Dump;

/// <summary>Control-plane 8.2.</summary>
public sealed class MeshSectionsTests
{
    [Theory]
    [InlineData("localhost.yaml", "localhost.json")]
    [InlineData("twopods.yaml", "twopods-a.json")]
    [InlineData("twopods.yaml", "twopods-b.json")]
    [InlineData("shared.yaml", "shared-na.json")]
    [InlineData("shared.yaml", "shared-nb.json")]
    public void A2_MeshFile_Recorded_IsDumpedAlike(string meshFile, string recording)
    {
        var mesh = LocalMeshFile.Load(Fixture.PathOf("mesh", meshFile));
        var snapshot = mesh.ApplyTo(Empty);
        using var recorded = JsonDocument.Parse(Fixture.Read("config_dump", recording));

        // Compared as text: the order of keys is that of the recording too.
        AssertSame(MeshSections.Workloads(snapshot));
        AssertSame(MeshSections.Services(snapshot));
        AssertSame(MeshSections.Policies(snapshot));
        AssertSame(MeshSections.StagedServices(snapshot));
        AssertSame(MeshSections.StaticConfig(mesh));

        void AssertSame(ConfigDumpSection section) => Assert.Equal(
            JsonSerializer.Serialize(recorded.RootElement.GetProperty(section.Key)), Written(section));
    }

    [Fact]
    public void NoMeshFile_StaticConfigIsEmpty() =>
        Assert.Equal(
            """{"policies":[],"services":[],"workloads":[]}""",
            Written(MeshSections.StaticConfig(LocalMesh.Empty)));

    [Fact]
    public void Workload_EveryField_IsWritten()
    {
        var workload = Pod("a", "10.0.0.1").Hbone().EndpointOf(Service("web.example.com", ""), "80:8080") with
        {
            Network = "net1",
            Hostname = "a.example.com",
            NetworkMode = NetworkMode.HostNetwork,
            Status = WorkloadStatus.Unhealthy,
            NativeTunnel = true,
            Capacity = 0,
            ApplicationTunnel = new(ApplicationTunnelProtocol.Proxy, null),
            Waypoint = GatewayNamed("ns1", "waypoint.example.com"),
            NetworkGateway = GatewayAt("10.0.9.1", 15009, "net1"),
            Locality = new("r", "", ""),
        };

        Assert.Equal(
            """
            [{"applicationTunnel":{"port":null,"protocol":"PROXY"},"capacity":0,"clusterId":"cluster1",
            "hostname":"a.example.com","locality":{"region":"r","subzone":"","zone":""},"name":"a","namespace":"ns1",
            "nativeTunnel":true,"network":"net1",
            "networkGateway":{"destination":"net1/10.0.9.1","hboneMtlsPort":15009},"networkMode":"HostNetwork",
            "node":"local","protocol":"HBONE","serviceAccount":"a","services":["ns1/web.example.com"],
            "status":"Unhealthy","trustDomain":"cluster.local","uid":"cluster1//Pod/ns1/a",
            "waypoint":{"destination":"ns1/waypoint.example.com","hboneMtlsPort":15008},"workloadIps":["10.0.0.1"],
            "workloadType":"pod"}]
            """.ReplaceLineEndings(""),
            Written(MeshSections.Workloads(Empty.With(workload))));
    }

    [Fact]
    public void Service_EveryField_IsWrittenAndUnusableEndpointsAreNot()
    {
        var service = Service("web.example.com", "80:8080,443:0,8080:1", "10.0.1.1") with
        {
            CidrVips = [new("net1", IPNetwork.Parse("10.9.0.0/16"))],
            SubjectAltNames = ["spiffe://td/ns/n/sa/s"],
            WeightedWaypoints = [new(GatewayAt("10.0.2.1"), 7)],
            IpFamilies = IpFamilies.IPv6,
            Canonical = true,
            Visibility = Visibility.Namespace,
        };
        var healthy = Pod("a").EndpointOf(service, "80:1,443:2");
        var unhealthy = Pod("b").EndpointOf(service, "") with { Status = WorkloadStatus.Unhealthy };

        Assert.Equal(
            """
            [{"canonical":true,"cidrVips":[{"cidr":"10.9.0.0/16","network":"net1"}],
            "endpoints":{"cluster1//Pod/ns1/a":{"port":{"443":2,"80":1},"status":"Healthy",
            "workloadUid":"cluster1//Pod/ns1/a"}},"hostname":"web.example.com","ipFamilies":"IPv6",
            "name":"web","namespace":"ns1","ports":{"443":0,"80":8080,"8080":1},
            "subjectAltNames":["spiffe://td/ns/n/sa/s"],"vips":["/10.0.1.1"],"visibility":"Namespace",
            "weightedWaypoints":[{"destination":{"destination":"/10.0.2.1","hboneMtlsPort":15008},"weight":7}]}]
            """.ReplaceLineEndings(""),
            Written(MeshSections.Services(Empty.With(service, healthy, unhealthy))));
    }

    [Fact]
    public void StagedEndpoints_AreWrittenWithTheirHealth()
    {
        var service = Service("web.example.com", "");
        var pod = Pod("a").EndpointOf(service, "80:1") with { Status = WorkloadStatus.Unhealthy };

        var staged = JsonNode.Parse(Written(MeshSections.StagedServices(Empty.With(pod))));

        var endpoint = staged?["ns1/web.example.com"]?["cluster1//Pod/ns1/a"];
        Assert.Equal("Unhealthy", endpoint?["status"]?.GetValue<string>());
    }

    /// <summary>Control-plane 10.3 (21): the dump of a big mesh is never in memory as a whole.</summary>
    [Fact]
    public async Task BigMesh_GoesOutInPieces()
    {
        var snapshot = Empty.With([.. Enumerable.Range(0, 5000).Select(i => Pod($"pod-{i}"))]);
        var dump = new ConfigDump(() =>
        [
            MeshSections.Workloads(snapshot),
            MeshSections.Services(snapshot),
            MeshSections.Policies(snapshot),
            MeshSections.StagedServices(snapshot),
            MeshSections.StaticConfig(LocalMesh.Empty),
        ]);
        using var output = new PieceStream();

        await dump.WriteAsync(output, TestContext.Current.CancellationToken);

        Assert.InRange(output.Total, 1_000_000, long.MaxValue);
        Assert.InRange(output.Biggest, 1, 80 * 1024);
    }

    private static string Written(ConfigDumpSection section)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            foreach (var write in section.Steps)
            {
                write(writer);
            }
        }

        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private sealed class PieceStream : MemoryStream
    {
        public long Total { get; private set; }

        public int Biggest { get; private set; }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Total += buffer.Length;
            Biggest = Math.Max(Biggest, buffer.Length);
            return ValueTask.CompletedTask;
        }
    }
}
