using System.Net;
using Grpc.Core;
using Ztunnel.Mesh;
using Ztunnel.Policy;
using Ztunnel.Xds;
using static Ztunnel.Tests.ControlPlane.Responses;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Control-plane 2 and 9.2 against a server that plays what it is told.</summary>
public sealed class XdsClientTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Section 2.9.</summary>
    [Fact]
    public async Task X1_FirstSync_NeedsBothTypesInTheMesh()
    {
        var match = new Protos.SecurityApi.Match();
        match.DestinationPorts.Add(80);
        var policy = NewPolicy("deny-80", match);
        policy.Action = Protos.SecurityApi.Action.Deny;
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();

        await stream.SendAndReadAckAsync(Addresses(Workload("a", "10.0.0.1")));
        await stream.SendAndReadAckAsync(Addresses());
        Assert.False(fixture.Client.FirstSync.IsCompleted);
        await stream.SendAndReadAckAsync(Policies(Resource(policy)));

        await fixture.Client.FirstSync.WaitAsync(Limit, Token);
        var workload = fixture.Snapshot.FindAddress(Address("10.0.0.1"), null).Workload;
        Assert.NotNull(workload);
        Assert.False(IsAllowed(80));
        Assert.True(IsAllowed(81));

        bool IsAllowed(int port) => PolicyEngine.Evaluate(
            fixture.Snapshot.PoliciesFor(workload),
            new PolicyInput(new(IPAddress.Loopback, 40_000), new(workload.Addresses[0], port), Identity: null)).Allowed;
    }

    /// <summary>Section 2.9: a first response that was not accepted does not count.</summary>
    [Fact]
    public async Task FirstSync_AfterNack_WaitsForAnAcceptedResponse()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();

        await stream.SendAndReadAckAsync(Addresses());
        await stream.SendAndReadAnswerAsync(Policies(Junk("ns/p")));
        // A response that is answered shows that the one before is done with.
        await stream.SendAndReadAckAsync(Addresses());
        Assert.False(fixture.Client.FirstSync.IsCompleted);
        await stream.SendAndReadAckAsync(Policies());

        await fixture.Client.FirstSync.WaitAsync(Limit, Token);
    }

    [Fact]
    public async Task X3_X9_BadResource_IsNackedAloneAndNotClaimed()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.Server.AcceptAsync();
        Assert.Empty((await stream.ReadAsync()).InitialResourceVersions);
        Assert.Empty((await stream.ReadAsync()).InitialResourceVersions);

        var nack = await stream.SendAndReadAnswerAsync(Addresses(
            Workload("good", "10.0.0.1", "v1"), Junk("bad"), Junk("worse")));
        stream.End(StatusCode.Unknown);
        stream = await fixture.Server.AcceptAsync();

        Assert.Matches("^bad: [^;]+; worse: [^;]+$", nack.ErrorDetail.Message);
        Assert.Equal(0, nack.ErrorDetail.Code);
        Assert.NotNull(fixture.Snapshot.FindWorkload("Kubernetes//Pod/ns/good"));
        var claims = (await stream.ReadAsync()).InitialResourceVersions;
        Assert.Equal(("Kubernetes//Pod/ns/good", "v1"), claims.Select(claim => (claim.Key, claim.Value)).Single());
        Assert.Empty((await stream.ReadAsync()).InitialResourceVersions);
    }

    /// <summary>10.1.2.</summary>
    [Fact]
    public async Task BadPolicy_KeepsThePreviousVersion()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        await stream.SendAndReadAckAsync(Policies(Resource(NewPolicy("p"))));
        var before = fixture.Snapshot.FindPolicy("ns/p");
        var match = new Protos.SecurityApi.Match();
        match.SourceIps.Add(new Protos.SecurityApi.Address());

        var nack = await stream.SendAndReadAnswerAsync(Policies(Resource(NewPolicy("p", match))));

        Assert.StartsWith("ns/p: ", nack.ErrorDetail.Message, StringComparison.Ordinal);
        Assert.Same(before, fixture.Snapshot.FindPolicy("ns/p"));
    }

    [Fact]
    public async Task X5_Abort_KeepsStateAndReconnects()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses(Workload("a", "10.0.0.1")));

        stream.Abort();
        stream = await fixture.AcceptAsync();

        Assert.NotNull(fixture.Snapshot.FindWorkload("Kubernetes//Pod/ns/a"));
        await stream.SendAndReadAckAsync(Removed(TypeUrls.Address, "Kubernetes//Pod/ns/a"));
        Assert.Empty(fixture.Snapshot.Workloads);
    }

    /// <summary>X7 is also one new snapshot, in which each service is put together once.</summary>
    [Fact]
    public async Task X7_X8_X10_EndpointsOfOnePush_AreThoseThatAreHealthy()
    {
        const string Service = "ns/web.ns.svc.cluster.local";
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        var ill = NewWorkload("ill", "10.0.1.1");
        ill.Status = Protos.WorkloadApi.WorkloadStatus.Unhealthy;
        ill.Services[Service] = new();
        var snapshots = 0;
        fixture.Mesh.Observe(_ => snapshots++);

        await stream.SendAndReadAckAsync(Addresses([
            .. Enumerable.Range(0, 25).Select(i => Workload($"w{i}", $"10.0.0.{i}", "1", Service)),
            Resource(NewService("web", "10.9.0.1")),
            Resource(ill),
            .. Enumerable.Range(25, 25).Select(i => Workload($"w{i}", $"10.0.0.{i}", "1", Service)),
        ]));
        Assert.Equal(2, snapshots); // the empty one and this one
        Assert.Equal(50, DumpedEndpoints());
        Assert.Empty(fixture.Snapshot.StagedEndpoints);
        await stream.SendAndReadAckAsync(Removed(TypeUrls.Address, "Kubernetes//Pod/ns/w7"));

        Assert.Equal(49, DumpedEndpoints());

        int DumpedEndpoints() =>
            MeshDump.Of(fixture.Snapshot)["services"]![0]!["endpoints"]!.AsObject().Count;
    }

    /// <summary>Section 2.5.</summary>
    [Theory]
    [InlineData("/invalid")]
    [InlineData("nothing")]
    [InlineData("Kubernetes//Pod/ns/other")]
    [InlineData("ns/other.ns.svc.cluster.local")]
    [InlineData("")]
    public async Task S10_RemovalOfUnknownName_ChangesNothing(string name)
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses(Workload("a", "10.0.0.1"), Resource(NewService("web", "10.9.0.1"))));
        var before = MeshDump.Of(fixture.Snapshot).ToJsonString();

        await stream.SendAndReadAckAsync(Removed(TypeUrls.Address, name));
        await stream.SendAndReadAckAsync(Removed(TypeUrls.Authorization, name));

        Assert.Equal(before, MeshDump.Of(fixture.Snapshot).ToJsonString());
    }

    [Fact]
    public async Task UnknownType_IsAcknowledged()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();

        await stream.SendAndReadAckAsync(Encode("type.googleapis.com/other", [Junk("x")], ["y"]));

        Assert.Empty(fixture.Snapshot.Workloads);
    }

    [Fact]
    public async Task S21_PolicyScope_FromNamespaceToSelector_LeavesTheNamespace()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        var policy = NewPolicy("p");
        await stream.SendAndReadAckAsync(Addresses(Workload("a", "10.0.0.1")));
        await stream.SendAndReadAckAsync(Policies(Resource(policy)));
        var workload = fixture.Snapshot.FindWorkload("Kubernetes//Pod/ns/a")!;
        Assert.Single(fixture.Snapshot.PoliciesFor(workload));

        policy.Scope = Protos.SecurityApi.Scope.WorkloadSelector;
        await stream.SendAndReadAckAsync(Policies(Resource(policy)));

        Assert.Empty(fixture.Snapshot.PoliciesFor(workload));
    }

    /// <summary>10.3.20: the names that a full answer lacks are gone.</summary>
    [Fact]
    public async Task ClaimsThatTheServerCannotRead_AreLeftOutAndDeletionsComputed()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses(
            Workload("gone", "10.0.0.1"), Workload("kept", "10.0.0.2"), Resource(NewService("gone", "10.9.0.1"))));
        await stream.SendAndReadAckAsync(Policies(Resource(NewPolicy("p"))));

        stream.End(StatusCode.Unknown);
        stream = await fixture.AcceptAsync();
        stream.End(StatusCode.ResourceExhausted, "grpc: received message larger than max (5000000 vs. 4194304)");
        stream = await fixture.Server.AcceptAsync();
        var addresses = await stream.ReadAsync();
        _ = await stream.ReadAsync();

        Assert.Empty(addresses.InitialResourceVersions);
        Assert.Equal(2, fixture.Snapshot.Workloads.Count());
        await stream.SendAndReadAckAsync(Addresses(Workload("kept", "10.0.0.2")));
        Assert.Equal(["kept"], fixture.Snapshot.Workloads.Select(workload => workload.Name));
        Assert.Empty(fixture.Snapshot.Services);
        // Only the first answer is the whole.
        await stream.SendAndReadAckAsync(Addresses(Workload("new", "10.0.0.3")));
        Assert.Equal(2, fixture.Snapshot.Workloads.Count());
    }

    [Fact]
    public async Task ClaimsBeyondIstiodsLimit_AreLeftOut()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        var padding = new string('x', 1000);
        await stream.SendAndReadAckAsync(Addresses(
            Enumerable.Range(0, 4500).Select(i => Workload($"{padding}{i}", "10.0.0.1"))));

        stream.Abort();
        stream = await fixture.Server.AcceptAsync();

        Assert.Empty((await stream.ReadAsync()).InitialResourceVersions);
        await stream.SendAndReadAnswerAfterAsync(Addresses(Workload("only", "10.0.0.2")));
        Assert.Equal(["only"], fixture.Snapshot.Workloads.Select(workload => workload.Name));
    }

    [Theory]
    [InlineData("goaway")]
    [InlineData("inside")]
    [InlineData("internal")]
    [InlineData("garbage")]
    [InlineData("huge text")]
    [InlineData("ok")]
    public async Task StreamThatEndsBadly_IsFollowedByAnotherAndStateStays(string how)
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses(Workload("a", "10.0.0.1")));

        switch (how)
        {
            case "goaway":
                stream.SayGoAway();
                stream.End(StatusCode.Unavailable, "closing transport: received prior goaway");
                break;
            case "inside":
                await stream.AbortInsideMessageAsync(Addresses(Workload("b", "10.0.0.2")));
                break;
            case "internal":
                stream.End(StatusCode.Internal, "no");
                break;
            case "garbage":
                await stream.SendAsync([0x12, 0xFF, 0xFF]);
                break;
            case "huge text":
                stream.End(StatusCode.Unavailable, new string('\u0007', 6000));
                break;
            default:
                stream.End();
                break;
        }

        stream = await fixture.AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses(Workload("c", "10.0.0.3")));
        Assert.Equal(2, fixture.Snapshot.Workloads.Count());
    }

    [Fact]
    public async Task Metrics_CountMessagesBytesAndEnds()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        var workload = Workload("a", "10.0.0.1");
        await stream.SendAndReadAckAsync(Addresses(workload));
        stream.End(StatusCode.Unknown);
        await fixture.AcceptAsync();

        var text = await fixture.ScrapeAsync();

        Assert.Contains("""istio_xds_message_total{url="type.googleapis.com/istio.workload.Address"} 1""", text);
        Assert.Contains(
            "istio_xds_message_bytes_total{url=\"type.googleapis.com/istio.workload.Address\"} "
            + $"{workload.Resource_.Value.Length}\n",
            text);
        Assert.Contains("""istio_xds_connection_terminations_total{reason="Reconnect"} 1""", text);
    }

    private static NetworkAddress Address(string ip) => new("", IPAddress.Parse(ip));
}
