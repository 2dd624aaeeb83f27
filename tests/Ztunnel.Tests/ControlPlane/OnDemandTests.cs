using System.Net;
using Ztunnel.Mesh;
using Ztunnel.Protos.Discovery;
using Ztunnel.Xds;
using static Ztunnel.Tests.ControlPlane.Responses;
using ManualTime = Ztunnel.Tests.Identity.ManualTime;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Asking for what a connection needs: control-plane 2.6 with its measured ways (12), and X4.</summary>
public sealed class OnDemandTests : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan DemandTimeout = TimeSpan.FromSeconds(2);

    private readonly ManualTime _time = new();
    private ClientFixture? _fixture;
    private ServerStream? _stream;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private ClientFixture Fixture => _fixture!;

    private ServerStream Stream => _stream!;

    public async ValueTask DisposeAsync()
    {
        if (_fixture is not null)
        {
            await _fixture.DisposeAsync();
        }
    }

    [Fact]
    public async Task X2_OnDemand_AddressHasAStarInBothListsAndAuthorizationNothing()
    {
        _fixture = await ClientFixture.StartAsync(options => options with { XdsOnDemand = true });
        var stream = await _fixture.Server.AcceptAsync();

        var addresses = await stream.ReadAsync();
        var policies = await stream.ReadAsync();

        Assert.Equal((TypeUrls.Address, TypeUrls.Authorization), (addresses.TypeUrl, policies.TypeUrl));
        Assert.Equal(["*"], addresses.ResourceNamesSubscribe);
        Assert.Equal(["*"], addresses.ResourceNamesUnsubscribe);
        Assert.Empty(policies.ResourceNamesSubscribe);
        Assert.Empty(policies.ResourceNamesUnsubscribe);
    }

    [Fact]
    public async Task X4_Demand_InTenThousandResources_IsReleasedOnlyAfterTheyAreInTheMesh()
    {
        await StartAsync();
        var asking = AskAsync("/10.0.0.1");
        await ReadDemandAsync("/10.0.0.1");
        var releasedAtThePush = new List<bool>();
        Fixture.Mesh.Observe(_ => releasedAtThePush.Add(asking.IsCompleted));

        await Stream.SendAsync(Addresses([
            Aliased(Workload("wanted", "10.0.0.1"), "/10.0.0.1"),
            .. Enumerable.Range(0, 9_999).Select(i => Workload($"w{i}", $"10.1.{i / 256}.{i % 256}")),
        ]));
        await asking;

        Assert.NotNull(Find("10.0.0.1"));
        Assert.Equal(10_000, Fixture.Snapshot.Workloads.Count());
        Assert.Equal([false, false], releasedAtThePush);
    }

    /// <summary>10.1.5: an address is in the aliases of its resource alone.</summary>
    [Fact]
    public async Task Demand_AnsweredByAliasAlone_IsReleased()
    {
        await StartAsync();
        var asking = AskAsync("/10.0.0.1");
        await ReadDemandAsync("/10.0.0.1");

        await Stream.SendAndReadAckAsync(Addresses(Workload("other", "10.0.0.2")));
        Assert.False(asking.IsCompleted);
        await Stream.SendAndReadAckAsync(Addresses(Aliased(Workload("a", "10.0.0.1"), "/10.0.0.1")));

        await asking.WaitAsync(Limit, Token);
        Assert.Equal("a", Find("10.0.0.1")?.Name);
    }

    [Theory]
    [InlineData("ns/web.ns.svc.cluster.local")]
    [InlineData("Kubernetes//Pod/ns/a")]
    public async Task Demand_AnsweredByName_IsReleased(string name)
    {
        await StartAsync();
        var asking = AskAsync(name);
        await ReadDemandAsync(name);

        await Stream.SendAndReadAckAsync(Addresses(Resource(NewService("web", "10.9.0.1")), Workload("a", "10.0.0.1")));

        await asking.WaitAsync(Limit, Token);
    }

    [Fact]
    public async Task Demand_OfSeveralForOneName_IsOneRequestAndReleasesAll()
    {
        await StartAsync();
        using var givesUp = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var impatient = Fixture.Client.Demands!.FetchAsync("/10.0.0.1", givesUp.Token).AsTask();
        Task[] patient = [AskAsync("/10.0.0.1"), AskAsync("/10.0.0.1")];
        await ReadDemandAsync("/10.0.0.1");

        await givesUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        Assert.All(patient, asking => Assert.False(asking.IsCompleted));
        await Stream.SendAndReadAckAsync(Removed(TypeUrls.Address, "/10.0.0.1"));

        await Task.WhenAll(patient).WaitAsync(Limit, Token);
        Assert.False(Stream.HasUnread);
    }

    /// <summary>The reference waits for ever; what comes late is there for the next connection.</summary>
    [Fact]
    public async Task Demand_NeverAnswered_EndsAtTheTimeoutAndALateAnswerStillCounts()
    {
        await StartAsync();
        var asking = AskAsync("/10.0.0.1");
        await ReadDemandAsync("/10.0.0.1");

        _time.Advance(DemandTimeout - TimeSpan.FromTicks(1));
        Assert.False(asking.IsCompleted);
        _time.Advance(TimeSpan.FromTicks(1));
        await asking.WaitAsync(Limit, Token);
        Assert.Null(Find("10.0.0.1"));

        await Stream.SendAndReadAckAsync(Addresses(Aliased(Workload("a", "10.0.0.1"), "/10.0.0.1")));
        Assert.NotNull(Find("10.0.0.1"));
    }

    /// <summary>A name is answered once per stream: asking again on it would be waiting for nothing.</summary>
    [Fact]
    public async Task Demand_OfAnUnknownName_IsBelievedForAWhileAndThenAskedOnAnotherStream()
    {
        await StartAsync();
        await AskForUnknownAsync("/10.0.0.1");
        var again = AskAsync("/10.0.0.1");
        Assert.True(again.IsCompletedSuccessfully);

        _time.Advance(Demands.UnknownLifetime);
        var asking = AskAsync("/10.0.0.1");
        var next = await Fixture.AcceptLaterAsync(_time);
        var claims = (await next.ReadAsync()).InitialResourceVersions;
        _ = await next.ReadAsync();
        Assert.Equal("", claims["/10.0.0.1"]);
        Assert.False(asking.IsCompleted);
        await next.SendAndReadAckAsync(Addresses(Aliased(Workload("a", "10.0.0.1"), "/10.0.0.1")));

        await asking.WaitAsync(Limit, Token);
        Assert.NotNull(Find("10.0.0.1"));
        Assert.False(Stream.HasUnread);
    }

    /// <summary>However many names are unknown: one stream in thirty seconds is opened for them.</summary>
    [Fact]
    public async Task Demand_OfUnknownNames_RenewsTheStreamSeldom()
    {
        await StartAsync();
        await AskForUnknownAsync("/10.0.0.1");
        _time.Advance(Demands.UnknownLifetime);
        _ = AskAsync("/10.0.0.1");
        _stream = await Fixture.AcceptLaterAsync(_time);
        _ = await Stream.ReadAsync();
        _ = await Stream.ReadAsync();
        await Stream.SendAndReadAckAsync(Removed(TypeUrls.Address, "/10.0.0.1"));

        _time.Advance(Demands.UnknownLifetime);
        Assert.True(AskAsync("/10.0.0.1").IsCompletedSuccessfully);
        Assert.False(Fixture.Client.Demands!.RenewalAsked.IsCompleted);
        _time.Advance(Demands.RenewalInterval);
        var asking = AskAsync("/10.0.0.1");

        Assert.False(asking.IsCompleted);
        await Fixture.AcceptLaterAsync(_time);
    }

    [Fact]
    public async Task Demand_WithoutAStream_IsClaimedByTheNextAndReleasedByItsFirstAnswer()
    {
        await StartAsync();
        Stream.Abort();
        await Fixture.WaitForEndsAsync("Reconnect");

        var asking = AskAsync("/10.0.0.1");
        _stream = await Fixture.AcceptLaterAsync(_time);
        Assert.Equal("", (await Stream.ReadAsync()).InitialResourceVersions["/10.0.0.1"]);
        _ = await Stream.ReadAsync();
        Assert.False(asking.IsCompleted);
        await Stream.SendAndReadAckAsync(Addresses());

        await asking.WaitAsync(Limit, Token);
    }

    /// <summary>istiod answers the unsubscription of one name by removing every name.</summary>
    [Fact]
    public async Task Demands_Whatever_UnsubscribeNothing()
    {
        await StartAsync();
        List<DeltaDiscoveryRequest> requests = [];
        using var givesUp = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var asking = Enumerable.Range(0, 20)
            .Select(i => Fixture.Client.Demands!.FetchAsync($"/10.0.0.{i}", givesUp.Token).AsTask())
            .ToArray();
        for (var i = 0; i < asking.Length; i++)
        {
            requests.Add(await Stream.ReadAsync());
        }

        await Stream.SendAsync(Addresses(Aliased(Workload("a", "10.0.0.1"), "/10.0.0.1")));
        requests.Add(await Stream.ReadAsync());
        await Stream.SendAsync(Removed(TypeUrls.Address, "/10.0.0.2", "Kubernetes//Pod/ns/a"));
        requests.Add(await Stream.ReadAsync());
        _time.Advance(DemandTimeout / 2);
        await givesUp.CancelAsync();
        _time.Advance(DemandTimeout);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(asking));
        _time.Advance(Demands.UnknownLifetime);
        _ = AskAsync("/10.0.0.2");
        _stream = await Fixture.AcceptLaterAsync(_time);
        var first = await Stream.ReadAsync();

        Assert.All(requests, request => Assert.Empty(request.ResourceNamesUnsubscribe));
        Assert.Equal(["*"], first.ResourceNamesUnsubscribe);
    }

    /// <summary>What is on the way to an address is asked for as well, one after the other.</summary>
    [Fact]
    public async Task Mesh_AddressOfAServiceWithWaypoint_AsksForBoth()
    {
        await StartAsync();
        var mesh = new OnDemandMesh(Fixture.Mesh, Fixture.Client.Demands, "", "Kubernetes");
        var service = NewService("web", "10.9.0.1");
        service.Waypoint = new()
        {
            Hostname = new() { Namespace = "ns", Hostname = "waypoint.ns.svc.cluster.local" },
            HboneMtlsPort = 15008,
        };

        var finding = mesh.WithAddressAsync(At("10.9.0.1"), Token).AsTask();
        await ReadDemandAsync("/10.9.0.1");
        await Stream.SendAsync(Addresses(Aliased(Resource(service), "/10.9.0.1")));
        DeltaDiscoveryRequest[] requests = [await Stream.ReadAsync(), await Stream.ReadAsync()]; // the other one is an ACK
        await Stream.SendAndReadAckAsync(Addresses(Resource(NewService("waypoint", "10.9.0.2"))));

        var snapshot = await finding.WaitAsync(Limit, Token);
        Assert.Equal(
            ["ns/waypoint.ns.svc.cluster.local"], requests.SelectMany(request => request.ResourceNamesSubscribe));
        Assert.NotNull(snapshot.FindGateway(snapshot.FindAddress(At("10.9.0.1"), null).Service!.Waypoint!).Service);
    }

    [Fact]
    public async Task Mesh_AddressThatIsKnown_AsksForNothing()
    {
        await StartAsync();
        await Stream.SendAndReadAckAsync(Addresses(Workload("a", "10.0.0.1")));

        var finding = new OnDemandMesh(Fixture.Mesh, Fixture.Client.Demands, "", "Kubernetes")
            .WithAddressAsync(At("10.0.0.1"), Token);

        Assert.True(finding.IsCompletedSuccessfully);
        Assert.NotNull((await finding).FindAddress(At("10.0.0.1"), null).Workload);
    }

    private static NetworkAddress At(string address) => new("", IPAddress.Parse(address));

    private static Resource Aliased(Resource resource, params IEnumerable<string> aliases)
    {
        resource.Aliases.Add(aliases);
        return resource;
    }

    private async Task StartAsync()
    {
        _fixture = await ClientFixture.StartAsync(
            options => options with { XdsOnDemand = true, XdsOnDemandTimeout = DemandTimeout }, time: _time);
        _stream = await _fixture.AcceptAsync();
        await _stream.SendAndReadAckAsync(Addresses());
    }

    private Task AskAsync(string name) => Fixture.Client.Demands!.FetchAsync(name, Token).AsTask();

    private async Task AskForUnknownAsync(string name)
    {
        var asking = AskAsync(name);
        await ReadDemandAsync(name);
        await Stream.SendAndReadAckAsync(Removed(TypeUrls.Address, name));
        await asking.WaitAsync(Limit, Token);
    }

    private async Task ReadDemandAsync(string name)
    {
        var expected = new DeltaDiscoveryRequest { TypeUrl = TypeUrls.Address };
        expected.ResourceNamesSubscribe.Add(name);
        Assert.Equal(expected, await Stream.ReadAsync());
    }

    private Workload? Find(string address) => Fixture.Snapshot.FindAddress(At(address), null).Workload;
}
