using System.Net;
using Microsoft.Extensions.Logging;
using Ztunnel.Admin;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Policy;
using Ztunnel.Proxy;
using Ztunnel.Telemetry;
using Ztunnel.Tests.Mesh;
using Authorization = Ztunnel.Policy.Authorization;
using ManualTime = Ztunnel.Tests.Identity.ManualTime;

namespace Ztunnel.Tests.Proxy;

/// <summary>Connections to a workload whose policies have not all arrived (data-path 8.1, 14.11).</summary>
public sealed class MissingPoliciesTests : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);
    private static readonly Workload Server =
        TestMesh.Pod("server", "10.0.0.1") with { AuthorizationPolicies = ["ns1/late"] };

    private static readonly PolicyInput Call = new(
        IPEndPoint.Parse("10.0.0.9:40000"), IPEndPoint.Parse("10.0.0.1:80"), Identity: null);

    private readonly ManualTime _time = new();
    private readonly MeshState _mesh = new(TestMesh.Empty, TimeProvider.System);
    private readonly CategoryLoggers _loggers = new();
    private readonly MissingPolicies _missing;
    private readonly LiveConnections _live;

    public MissingPoliciesTests()
    {
        _missing = new MissingPolicies(_mesh, Window, _time);
        _missing.Watch(Server.Info);
        _live = new LiveConnections(_mesh, Authorizing(default), new Logger<LiveConnections>(_loggers));
        _mesh.Update(snapshot => snapshot.With(Server));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string[] Warnings => _loggers.LinesOf<InboundAuthorization>(LogLevel.Warning);

    public async ValueTask DisposeAsync()
    {
        await _live.DisposeAsync();
        _loggers.Dispose();
    }

    [Theory]
    [InlineData(PolicyAction.Allow, null)]
    [InlineData(PolicyAction.Deny, "connection closed due to policy rejection: explicitly denied by: ns1/late")]
    internal async Task Connection_WaitsAndIsJudgedByThePolicyThatArrives(PolicyAction action, string? refusal)
    {
        using var connection = Register();
        var judged = RefusalAsync(connection);
        Assert.False(judged.IsCompleted);

        _mesh.Update(snapshot => snapshot.With(Late(action)));

        Assert.Equal(refusal, (await judged.WaitAsync(Limit, Token))?.Message);
        Assert.Empty(Warnings);
        Assert.Equal(0, _missing.Count);
    }

    [Fact]
    public async Task Connection_AfterTheWindow_IsJudgedWithoutThePolicyAndOneWarning()
    {
        using var connection = Register();
        var judged = RefusalAsync(connection);
        _time.Advance(Window - Moment);
        Assert.False(judged.IsCompleted);

        _time.Advance(Moment);

        Assert.Null(await judged.WaitAsync(Limit, Token));
        Assert.Null(await RefusalAsync(connection).WaitAsync(Limit, Token)); // waits no more
        Assert.Equal(["skipping unknown policy ns1/late"], Warnings);
    }

    [Fact]
    public async Task Window_CountsFromTheNameNotFromTheConnection()
    {
        _time.Advance(Window);
        using var connection = Register();

        Assert.Null(await RefusalAsync(connection).WaitAsync(Limit, Token));
    }

    [Fact]
    public async Task Window_OfAnotherName_BeginsWithThatName()
    {
        _time.Advance(Window);
        _mesh.Update(snapshot => snapshot.With(Server with { AuthorizationPolicies = ["ns1/late", "ns1/later"] }));
        using var connection = Register();
        var judged = RefusalAsync(connection);
        Assert.False(judged.IsCompleted);

        _time.Advance(Window);

        Assert.Null(await judged.WaitAsync(Limit, Token));
        Assert.Equal(["skipping unknown policy ns1/late", "skipping unknown policy ns1/later"], Warnings);
    }

    [Fact]
    public async Task Names_ThatKeepComing_DoNotProlongTheWait()
    {
        var time = new CountedTimers(_time);
        var missing = new MissingPolicies(_mesh, Window, time);
        missing.Watch(Server.Info);
        var waiting = missing.WaitAsync(Server.Info, Token).AsTask();
        _time.Advance(Window / 2);
        _mesh.Update(snapshot => snapshot.With(Server with { AuthorizationPolicies = ["ns1/late", "ns1/later"] }));
        await Waiting.UntilAsync(() => time.Created == 2, Token); // it has looked again
        Assert.False(waiting.IsCompleted);

        _time.Advance(Window / 2);

        await waiting.WaitAsync(Limit, Token);
    }

    [Fact]
    public async Task Deny_AfterTheWindow_RefusesAndNamesThePolicy()
    {
        var authorization = Authorizing(UnknownPolicyAction.Deny);
        using var connection = Register();
        var judged = authorization.RefusalAsync(connection).AsTask();
        Assert.False(judged.IsCompleted);
        _time.Advance(Window);

        var refusal = await judged.WaitAsync(Limit, Token);
        var again = await authorization.RefusalAsync(connection).AsTask().WaitAsync(Limit, Token);

        Assert.Equal("connection closed due to policy rejection: unknown policy: ns1/late", refusal?.Message);
        Assert.Equal(ConnectionFailure.Deny, refusal?.Failure);
        Assert.Equal(refusal?.Message, again?.Message);
        Assert.Equal(
            ["refusing connections to cluster1//Pod/ns1/server because of unknown policy ns1/late"], Warnings);
    }

    [Fact]
    public async Task Force_EndsTheWait()
    {
        using var forced = new CancellationTokenSource();
        using var connection = _live.Register(Server.Info, Server, Call, forced.Token);
        var judged = RefusalAsync(connection);

        await forced.CancelAsync();

        Assert.Null(await judged.WaitAsync(Limit, Token));
    }

    [Fact]
    public async Task Metric_ShowsNamesOfWatchedPodsOnly()
    {
        var registry = new MetricsRegistry();
        _missing.AddTo(registry);
        _mesh.Update(snapshot => snapshot.With(
            TestMesh.Pod("other", "10.0.0.2") with { AuthorizationPolicies = ["ns1/late"] }));

        var text = await ScrapeAsync(registry);
        _missing.Forget(Server.Info);

        Assert.Matches("# HELP ztunnel_missing_policies .*\\(unstable\\)", text);
        Assert.Contains("\nztunnel_missing_policies 1\n", text, StringComparison.Ordinal);
        Assert.Contains("\nztunnel_missing_policies 0\n", await ScrapeAsync(registry), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dump_ShowsNamesOfWatchedPodsAndWhetherTheyAreWaitedFor()
    {
        _mesh.Update(snapshot => snapshot.With(
            Server with { AuthorizationPolicies = ["ns1/late", "ns1/early"] },
            TestMesh.Pod("other", "10.0.0.2") with { AuthorizationPolicies = ["ns1/late"] }));
        _time.Advance(Window - Moment);
        Assert.Equal([("ns1/early", false), ("ns1/late", false)], _missing.List().Select(m => (m.Policy, m.IsOverdue)));
        _time.Advance(Moment);
        _mesh.Update(snapshot => snapshot.With(Late(PolicyAction.Allow)));

        Assert.Equal(
            """[{"name":"server","namespace":"ns1","overdue":true,"policy":"ns1/early"}]""", await DumpAsync());

        _missing.Forget(Server.Info);
        Assert.Equal("[]", await DumpAsync());
    }

    private async Task<string> DumpAsync()
    {
        using var output = new MemoryStream();
        await new ConfigDump(() => [ConfigDumpSection.Array("missingPolicies", _missing.List, MissingPolicy.Write)])
            .WriteAsync(output, Token);
        return System.Text.Json.Nodes.JsonNode.Parse(output.ToArray())!["missingPolicies"]!.ToJsonString();
    }

    private static Authorization Late(PolicyAction action) => new(
        "late", "ns1", PolicyScope.WorkloadSelector, action, [new PolicyRule([])], DryRun: false);

    private static async Task<string> ScrapeAsync(MetricsRegistry registry)
    {
        using var output = new MemoryStream();
        await registry.WriteAsync(output, Token);
        return System.Text.Encoding.UTF8.GetString(output.ToArray());
    }

    private InboundAuthorization Authorizing(UnknownPolicyAction unknown) => new(
        _mesh,
        _missing,
        new ProxyOptions { UnknownPolicy = unknown },
        new Logger<InboundAuthorization>(_loggers));

    private Task<ProxyException?> RefusalAsync(LiveConnection connection) =>
        Authorizing(UnknownPolicyAction.Skip).RefusalAsync(connection).AsTask();

    private LiveConnection Register() => _live.Register(Server.Info, Server, Call, CancellationToken.None);

    private sealed class CountedTimers(TimeProvider time) : TimeProvider
    {
        private int _created;

        public int Created => Volatile.Read(ref _created);

        public override long TimestampFrequency => time.TimestampFrequency;

        public override long GetTimestamp() => time.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = time.CreateTimer(callback, state, dueTime, period);
            Interlocked.Increment(ref _created);
            return timer;
        }
    }
}
