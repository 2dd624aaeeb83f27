using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Policy;
using Ztunnel.State;
using Ztunnel.Tests.ControlPlane;
using Ztunnel.Xds;
using static Ztunnel.Tests.ControlPlane.Responses;

namespace Ztunnel.Tests.State;

/// <summary>Control-plane 2.9: a proxy that starts again, with its control plane and without.</summary>
public sealed class RestartTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly StateFolder _folder = new();
    private readonly ServerCertificates _certificates = new();
    private DiscoveryServer _server = null!;
    private ProxyOptions _options = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private ProxyOptions WithoutControlPlane => _options with { XdsAddress = new Uri("https://localhost:1") };

    public async ValueTask InitializeAsync()
    {
        _server = await DiscoveryServer.StartAsync(_certificates.Issue("localhost"));
        _options = ClientFixture.RecordedOptions with
        {
            XdsAddress = _server.Address,
            Xds = new ControlPlaneOptions(RootCertificateSource.Parse(_certificates.RootPem), null, []),
            PacketMark = null,
            StateDirectory = _folder.Path,
        };
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _certificates.Dispose();
        _folder.Dispose();
    }

    /// <summary>
    /// Every name is claimed without a version; what a real istiod sent to a client that had the same mesh leads to the
    /// state that it led that client to, so the snapshot lacks nothing.
    /// </summary>
    [Theory]
    [InlineData("basic", "reconnect-same")]
    [InlineData("basic", "reconnect-stale")]
    [InlineData("churn", "reconnect-mid")]
    [InlineData("churn", "reconnect-same")]
    [InlineData("external", "reconnect-mid")]
    [InlineData("external", "reconnect-same")]
    [InlineData("multinetwork", "reconnect-mid")]
    [InlineData("multinetwork", "reconnect-same")]
    [InlineData("policies", "reconnect-mesh-strict")]
    [InlineData("policies", "reconnect-same")]
    [InlineData("waypoints", "reconnect-mid")]
    [InlineData("waypoints", "reconnect-same")]
    public async Task Recorded_RestartAfterAnyStep_ClaimsAllNamesAndEndsInTheRecordedState(string scenario, string folder)
    {
        var before = Recording.Load(scenario);
        var after = Recording.Load(Path.Combine(scenario, folder));
        var afterStep = (int)after.Json["reconnect"]!["afterStep"]!;
        _options = _options with { NodeName = before.Node };
        string saved;
        await using (var first = new ProxyLife(_options))
        {
            var stream = await AcceptAsync();
            foreach (var message in before.Steps.Take(afterStep + 1).SelectMany(step => step.Messages))
            {
                await stream.SendAndReadAckAsync(message);
            }

            saved = Sorted(first.Mesh.Current);
        }

        await using var second = new ProxyLife(_options);
        Assert.Equal(saved, Sorted(second.Mesh.Current));
        var again = await _server.AcceptAsync();
        var recorded = Assert.Single(after.Steps);
        foreach (var request in recorded.Requests)
        {
            var claims = (await again.ReadAsync()).InitialResourceVersions;
            Assert.Equal(
                request.InitialResourceVersions.Keys.Order(StringComparer.Ordinal), claims.Keys.Order(StringComparer.Ordinal));
            Assert.All(claims.Values, Assert.Empty);
        }

        foreach (var message in recorded.Messages)
        {
            await again.SendAndReadAckAsync(message);
        }

        MeshDump.AssertEqual(recorded.Expected, second.Mesh.Current, folder);
    }

    [Fact]
    public async Task Recorded_BigMesh_ComesBackWhole()
    {
        var recording = Recording.Load("big");
        string saved;
        await using (var first = new ProxyLife(_options))
        {
            var stream = await AcceptAsync();
            foreach (var message in recording.Messages)
            {
                await stream.SendAndReadAckAsync(message);
            }

            saved = Sorted(first.Mesh.Current);
        }

        await using var second = new ProxyLife(WithoutControlPlane);

        Assert.Equal(saved, Sorted(second.Mesh.Current));
    }

    [Fact]
    public async Task WithoutControlPlane_TheSnapshotIsServedFromAfterTheWaitAndItsPoliciesHold()
    {
        await RunFirstLifeAsync();

        await using var second = new ProxyLife(WithoutControlPlane, _folder.Time);
        var known = second.State.WaitUntilKnownAsync(Token);
        await Waiting.UntilAsync(() => _folder.Time.NextDue is not null, Token);
        _folder.Time.Advance(_options.StateSyncWait - TimeSpan.FromMilliseconds(1));
        Assert.False(known.IsCompleted);
        _folder.Time.Advance(TimeSpan.FromMilliseconds(1));
        await known.WaitAsync(Limit, Token);

        var workload = second.Mesh.Current.FindWorkload("Kubernetes//Pod/ns/a")!;
        Assert.Equal(PolicyAction.Deny, Assert.Single(second.Mesh.Current.PoliciesFor(workload)).Action);
        Assert.True(second.State.IsFromSnapshot);
        Assert.Contains("ztunnel_state_from_snapshot 1\n", await second.ScrapeAsync());
        Assert.Contains("ztunnel_state_snapshot_age_seconds ", await second.ScrapeAsync());
        Assert.Single(second.Loggers.LinesOf<LastKnownState>(LogLevel.Warning));
    }

    [Fact]
    public async Task WithoutASnapshot_NothingIsKnownBeforeTheControlPlaneAnswers()
    {
        await using var life = new ProxyLife(_options, _folder.Time);
        var known = life.State.WaitUntilKnownAsync(Token);
        _folder.Time.Advance(TimeSpan.FromHours(1));
        Assert.False(known.IsCompleted);

        var stream = await AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses());
        await stream.SendAndReadAckAsync(Policies());

        await known.WaitAsync(Limit, Token);
        Assert.False(life.State.IsFromSnapshot);
        Assert.Contains("ztunnel_state_from_snapshot 0\n", await life.ScrapeAsync());
    }

    [Fact]
    public async Task SnapshotThatIsDamaged_CountsAsNone()
    {
        await RunFirstLifeAsync();
        await File.WriteAllTextAsync(_folder.File, "junk", Token);

        await using var second = new ProxyLife(WithoutControlPlane, _folder.Time);
        var known = second.State.WaitUntilKnownAsync(Token);
        _folder.Time.Advance(TimeSpan.FromHours(1));

        Assert.False(known.IsCompleted);
        Assert.Empty(second.Mesh.Current.Workloads);
        Assert.Contains(_folder.File, Assert.Single(second.Loggers.LinesOf<LastKnownState>(LogLevel.Error)));
    }

    /// <summary>A control plane that is there is waited for, and its word is the last.</summary>
    [Fact]
    public async Task ControlPlaneThatAnswersInTime_ReplacesTheSnapshotBeforeAnythingIsServed()
    {
        await RunFirstLifeAsync();

        await using var second = new ProxyLife(_options, _folder.Time);
        var known = second.State.WaitUntilKnownAsync(Token);
        var stream = await AcceptAsync();
        await stream.SendAndReadAckAsync(Encode(
            TypeUrls.Address, [Workload("b", "10.0.0.2")], ["Kubernetes//Pod/ns/a", "Kubernetes//Pod/ns/gone"]));
        Assert.False(known.IsCompleted);
        await stream.SendAndReadAckAsync(Removed(TypeUrls.Authorization, "ns/deny"));
        await known.WaitAsync(Limit, Token);

        Assert.Equal(["b"], second.Mesh.Current.Workloads.Select(workload => workload.Name));
        Assert.Empty(second.Mesh.Current.Policies);
        Assert.Empty(second.Loggers.LinesOf<LastKnownState>(LogLevel.Warning));
    }

    /// <summary>What was deleted meanwhile goes, and until the control plane says so the old policy is in force.</summary>
    [Fact]
    public async Task ControlPlaneThatComesBack_RemovesWhatIsGoneWithoutAGapInPolicy()
    {
        await RunFirstLifeAsync();
        await using var second = new ProxyLife(_options, _folder.Time);
        var unprotected = 0;
        second.Mesh.Observe(snapshot =>
        {
            if (snapshot.FindWorkload("Kubernetes//Pod/ns/a") is { } workload && snapshot.PoliciesFor(workload).IsEmpty)
            {
                Interlocked.Increment(ref unprotected);
            }
        });
        var stream = await _server.AcceptAsync();
        Assert.Equal(
            ["Kubernetes//Pod/ns/a", "Kubernetes//Pod/ns/gone"],
            (await stream.ReadAsync()).InitialResourceVersions.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(["ns/deny"], (await stream.ReadAsync()).InitialResourceVersions.Keys);

        await stream.SendAndReadAckAsync(Encode(
            TypeUrls.Address, [Workload("a", "10.0.0.1", "2")], ["Kubernetes//Pod/ns/gone"]));
        Assert.Equal("ns/deny", Assert.Single(second.Mesh.Current.Policies).Key);
        await stream.SendAndReadAckAsync(Encode(TypeUrls.Authorization, [Resource(NewDeny("other"))], ["ns/deny"]));

        Assert.Equal(["a"], second.Mesh.Current.Workloads.Select(workload => workload.Name));
        Assert.Equal("ns/other", Assert.Single(second.Mesh.Current.Policies).Key);
        Assert.Equal(0, unprotected);
    }

    /// <summary>Section 10.3.20 and 2.8: with names beyond what istiod reads, the first answer is the whole.</summary>
    [Fact]
    public async Task ClaimsBeyondIstiodsLimit_AreLeftOutAndWhatTheAnswerLacksGoes()
    {
        var padding = new string('x', 1000);
        await using (var first = new ProxyLife(_options))
        {
            var stream = await AcceptAsync();
            await stream.SendAndReadAckAsync(Addresses(
                Enumerable.Range(0, 4500).Select(i => Workload($"{padding}{i}", "10.0.0.1"))));
            await stream.SendAndReadAckAsync(Policies(Resource(NewDeny("deny"))));
            await first.Client.FirstSync.WaitAsync(Limit, Token);
        }

        await using var second = new ProxyLife(_options);
        Assert.Equal(4500, second.Mesh.Current.Workloads.Count());
        var again = await _server.AcceptAsync();
        Assert.Empty((await again.ReadAsync()).InitialResourceVersions);
        await again.SendAndReadAnswerAfterAsync(Addresses(Workload("only", "10.0.0.2")));

        Assert.Equal(["only"], second.Mesh.Current.Workloads.Select(workload => workload.Name));
    }

    /// <summary>On demand nothing comes that is not asked for, so the names have to be claimed.</summary>
    [Fact]
    public async Task OnDemand_NamesOfTheSnapshotAreClaimed()
    {
        _options = _options with { XdsOnDemand = true };
        await RunFirstLifeAsync();

        await using var second = new ProxyLife(_options);
        var request = await (await _server.AcceptAsync()).ReadAsync();

        Assert.Equal(["*"], request.ResourceNamesUnsubscribe);
        Assert.Equal(
            ["Kubernetes//Pod/ns/a", "Kubernetes//Pod/ns/gone"],
            request.InitialResourceVersions.Keys.Order(StringComparer.Ordinal));
    }

    /// <summary>Its age counts from the last moment at which the control plane was there, not from the last change.</summary>
    [Fact]
    public async Task ConfirmedAt_FollowsTheStreamOnceItHasAnsweredForBothTypes()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses());
        Assert.Null(fixture.Client.ConfirmedAt);
        var before = DateTimeOffset.UtcNow;
        await stream.SendAndReadAckAsync(Policies());
        Assert.InRange(fixture.Client.ConfirmedAt!.Value, before, DateTimeOffset.UtcNow);

        stream.Abort();
        stream = await fixture.AcceptAsync();
        var ended = DateTimeOffset.UtcNow;
        await stream.SendAndReadAckAsync(Addresses());
        Assert.InRange(fixture.Client.ConfirmedAt!.Value, before, ended);
        await stream.SendAndReadAckAsync(Policies());

        Assert.InRange(fixture.Client.ConfirmedAt!.Value, ended, DateTimeOffset.UtcNow);
    }

    private static Protos.SecurityApi.Authorization NewDeny(string name)
    {
        var policy = NewPolicy(name);
        policy.Action = Protos.SecurityApi.Action.Deny;
        return policy;
    }

    private static string Sorted(MeshSnapshot snapshot) => string.Join('\n', MeshDump.Of(snapshot)
        .SelectMany(list => list.Value switch
        {
            System.Text.Json.Nodes.JsonArray items => items.Select(item => SortedText(item!)),
            var other => [SortedText(other!)],
        })
        .Order(StringComparer.Ordinal));

    // Members of maps come in no order.
    private static string SortedText(System.Text.Json.Nodes.JsonNode node) => node switch
    {
        System.Text.Json.Nodes.JsonObject map => "{" + string.Join(',', map
            .OrderBy(entry => entry.Key, StringComparer.Ordinal)
            .Select(entry => entry.Key + ":" + (entry.Value is null ? "null" : SortedText(entry.Value)))) + "}",
        System.Text.Json.Nodes.JsonArray list => "[" + string.Join(',', list
            .Select(item => item is null ? "null" : SortedText(item)).Order(StringComparer.Ordinal)) + "]",
        _ => node.ToJsonString(),
    };

    private async Task RunFirstLifeAsync()
    {
        await using var first = new ProxyLife(_options with { StateDirectory = _folder.Path }, _folder.Time);
        var stream = await AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses(Workload("a", "10.0.0.1"), Workload("gone", "10.0.0.3")));
        await stream.SendAndReadAckAsync(Policies(Resource(NewDeny("deny"))));
        await first.Client.FirstSync.WaitAsync(Limit, Token);
    }

    private async Task<ServerStream> AcceptAsync()
    {
        var stream = await _server.AcceptAsync();
        Assert.Equal(TypeUrls.Address, (await stream.ReadAsync()).TypeUrl);
        Assert.Equal(TypeUrls.Authorization, (await stream.ReadAsync()).TypeUrl);
        return stream;
    }
}
