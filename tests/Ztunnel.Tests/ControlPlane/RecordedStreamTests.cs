using System.Net;
using Fixtures;
using Ztunnel.Mesh;
using Ztunnel.Protos.Discovery;
using Ztunnel.Xds;
using ManualTime = Ztunnel.Tests.Identity.ManualTime;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Streams of a real istiod, played message by message: control-plane 2, 9.2 and 12.</summary>
public sealed class RecordedStreamTests
{
    [Theory]
    [InlineData("basic")]
    [InlineData("policies")]
    [InlineData("waypoints")]
    [InlineData("external")]
    [InlineData("multinetwork")]
    [InlineData("churn")]
    public async Task Scenario_MessageByMessage_GivesTheStateOfEachStep(string scenario)
    {
        var recording = Recording.Load(scenario);
        await using var fixture = await StartAsync(recording);
        var stream = await fixture.AcceptAsync();

        foreach (var step in recording.Steps)
        {
            await PlayAsync(stream, step.Messages);

            MeshDump.AssertEqual(step.Expected, fixture.Snapshot, step.Name);
        }
    }

    [Theory]
    [InlineData("basic")]
    [InlineData("policies")]
    [InlineData("waypoints")]
    [InlineData("external")]
    [InlineData("multinetwork")]
    [InlineData("churn")]
    public async Task Scenario_InOneGo_GivesTheStateOfTheLastStep(string scenario)
    {
        var recording = Recording.Load(scenario);
        await using var fixture = await StartAsync(recording);
        var stream = await fixture.AcceptAsync();

        foreach (var message in recording.Messages)
        {
            await stream.SendAsync(message);
        }

        foreach (var message in recording.Messages)
        {
            Assert.Equal(DeltaDiscoveryResponse.Parser.ParseFrom(message).Nonce, (await stream.ReadAsync()).ResponseNonce);
        }

        MeshDump.AssertEqual(recording.Steps[^1].Expected, fixture.Snapshot, scenario);
    }

    /// <summary>Workloads before or after their service give the same.</summary>
    [Theory]
    [InlineData("basic", 1)]
    [InlineData("policies", 2)]
    [InlineData("waypoints", 3)]
    [InlineData("external", 4)]
    [InlineData("multinetwork", 5)]
    [InlineData("churn", 6)]
    public async Task X7_Scenario_ResourcesInAnotherOrder_GivesTheSameState(string scenario, int seed)
    {
        var recording = Recording.Load(scenario);
        var random = new Random(seed);
        await using var fixture = await StartAsync(recording);
        var stream = await fixture.AcceptAsync();

        foreach (var step in recording.Steps)
        {
            await PlayAsync(stream, step.Messages.Select(message => Recorded.Shuffled(message, random)));

            MeshDump.AssertEqual(step.Expected, fixture.Snapshot, step.Name);
        }
    }

    /// <summary>What is known stays known, and the next stream claims it.</summary>
    [Theory]
    [InlineData("basic", ".", "reconnect-same")]
    [InlineData("basic", ".", "reconnect-stale")]
    [InlineData("churn", ".", "reconnect-mid")]
    [InlineData("churn", ".", "reconnect-same")]
    [InlineData("external", ".", "reconnect-mid")]
    [InlineData("external", ".", "reconnect-same")]
    [InlineData("multinetwork", ".", "reconnect-mid")]
    [InlineData("multinetwork", ".", "reconnect-same")]
    [InlineData("policies", ".", "reconnect-mesh-strict")]
    [InlineData("policies", ".", "reconnect-same")]
    [InlineData("waypoints", ".", "reconnect-mid")]
    [InlineData("waypoints", ".", "reconnect-same")]
    public async Task X5_Reconnect_AfterAnyStep_ClaimsWhatWasRecordedAndGivesTheState(
        string scenario, string baseFolder, string folder)
    {
        var before = Recording.Load(Path.Combine(scenario, baseFolder));
        var after = Recording.Load(Path.Combine(scenario, folder));
        var afterStep = (int)after.Json["reconnect"]!["afterStep"]!;
        await using var fixture = await StartAsync(before);
        var first = await fixture.AcceptAsync();
        foreach (var step in before.Steps.Take(afterStep + 1))
        {
            await PlayAsync(first, step.Messages);
        }

        first.Abort();
        var second = await fixture.Server.AcceptAsync();

        var reconnected = Assert.Single(after.Steps);
        Assert.Equal(reconnected.Requests, [await second.ReadAsync(), await second.ReadAsync()]);
        await PlayAsync(second, reconnected.Messages);
        MeshDump.AssertEqual(reconnected.Expected, fixture.Snapshot, folder);
    }

    /// <summary>The answer to a cut response is not known to have been heard, so the server sends its content again.</summary>
    [Fact]
    public async Task Stream_CutAtAnyMessageAndInside_EndsInTheSameState()
    {
        var recording = Recording.Load("basic");
        await using var fixture = await StartAsync(recording);
        var stream = await fixture.AcceptAsync();
        foreach (var message in recording.Messages)
        {
            await stream.AbortInsideMessageAsync(message);
            stream = await fixture.AcceptAsync();
            await stream.SendAndReadAckAsync(message);
            stream.Abort();
            stream = await fixture.AcceptAsync();
        }

        MeshDump.AssertEqual(recording.Steps[^1].Expected, fixture.Snapshot, "end");
    }

    [Fact]
    public async Task FirstRequests_EqualTheRecordedOnes()
    {
        var recorded = Recording.ReadFrames(File.ReadAllBytes(Fixture.PathOf("istiod", "basic", "ztunnel-requests.bin")));
        await using var fixture = await ClientFixture.StartAsync();

        var stream = await fixture.Server.AcceptAsync();

        Assert.Equal(
            recorded.Select(DeltaDiscoveryRequest.Parser.ParseFrom), [await stream.ReadAsync(), await stream.ReadAsync()]);
    }

    [Fact]
    public async Task Big_FirstPush_CountsAndNamesAreThoseRecorded()
    {
        var recording = Recording.Load("big");
        await using var fixture = await StartAsync(recording);
        var stream = await fixture.AcceptAsync();

        await PlayAsync(stream, recording.Messages);

        var expected = recording.Steps[0].Expected;
        Recorded.AssertNames(expected["workloads"]!, fixture.Snapshot.Workloads.Select(w => w.Uid));
        Recorded.AssertNames(
            expected["services"]!, fixture.Snapshot.Services.Select(s => s.NamespacedHostname.ToString()));
        Recorded.AssertNames(expected["policies"]!, fixture.Snapshot.Policies.Select(p => p.Key));
        Assert.Equal(
            (int)expected["services"]!["endpoints"]!,
            MeshDump.Of(fixture.Snapshot)["services"]!.AsArray().Sum(service => service!["endpoints"]!.AsObject().Count));
    }

    [Fact]
    public async Task X2_OnDemand_StepByStep_GivesTheRecordedState()
    {
        var recording = Recording.Load("basic/on-demand");
        await using var fixture = await StartAsync(recording);
        var stream = await fixture.Server.AcceptAsync();

        // Nothing is subscribed, policies are a wildcard. Steps 18 to 20 are a client that unsubscribes: not ours.
        var first = await stream.ReadAsync();
        Assert.Equal((["*"], ["*"]), (first.ResourceNamesSubscribe, first.ResourceNamesUnsubscribe));
        Assert.Empty((await stream.ReadAsync()).ResourceNamesSubscribe);
        await PlayOnDemandAsync(fixture, stream, recording.Steps.Take(18));
    }

    /// <summary>
    /// Section 12: istiod announces no address that it did not know when it was asked. The address is asked for again, and
    /// found on the next stream, which claims what was recorded.
    /// </summary>
    [Fact]
    public async Task OnDemandReconnect_AddressThatAppearedMeanwhile_IsFound()
    {
        var before = Recording.Load("basic/on-demand");
        var after = Assert.Single(Recording.Load("basic/on-demand-reconnect").Steps);
        var time = new ManualTime();
        await using var fixture = await StartAsync(before, time);
        var first = await fixture.AcceptAsync();
        await PlayOnDemandAsync(fixture, first, before.Steps.Take(18));
        var asked = Assert.Single(before.Steps[18].Requests).ResourceNamesSubscribe[0];

        time.Advance(Demands.UnknownLifetime);
        var asking = fixture.Client.Demands!.FetchAsync(asked, TestContext.Current.CancellationToken).AsTask();
        var second = await fixture.AcceptLaterAsync(time);

        Assert.False(first.HasUnread);
        Assert.Equal(after.Requests, [await second.ReadAsync(), await second.ReadAsync()]);
        await PlayAsync(second, after.Messages);
        await asking.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        MeshDump.AssertEqual(after.Expected, fixture.Snapshot, after.Name);
        Assert.NotNull(fixture.Snapshot.FindAddress(
            new NetworkAddress("", IPAddress.Parse(asked.TrimStart('/'))), null).Workload);
    }

    private static Task<ClientFixture> StartAsync(Recording recording, TimeProvider? time = null) =>
        ClientFixture.StartAsync(
            options => options with
            {
                NodeName = recording.Node,
                XdsOnDemand = recording.OnDemand,
                XdsOnDemandTimeout = TimeSpan.FromSeconds(20),
            },
            time: time);

    private static async Task PlayOnDemandAsync(
        ClientFixture fixture, ServerStream stream, IEnumerable<RecordedStep> steps)
    {
        foreach (var step in steps)
        {
            var asking = Task.CompletedTask;
            if (step.Requests is [{ Node: null } request] && step.Messages.Length > 0)
            {
                asking = fixture.Client.Demands!.FetchAsync(
                    request.ResourceNamesSubscribe[0], TestContext.Current.CancellationToken).AsTask();
                Assert.Equal(request, await stream.ReadAsync());
            }

            await PlayAsync(stream, step.Messages);
            await asking.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
            MeshDump.AssertEqual(step.Expected, fixture.Snapshot, step.Name);
        }
    }

    private static async Task PlayAsync(ServerStream stream, IEnumerable<byte[]> messages)
    {
        foreach (var message in messages)
        {
            await stream.SendAndReadAckAsync(message);
        }
    }
}
