using System.Net;
using System.Net.Sockets;
using Hbone.Tls;
using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Policy;
using Ztunnel.Proxy;
using Ztunnel.Telemetry;
using Ztunnel.Tests.ControlPlane;
using Ztunnel.Tests.Mesh;
using Authorization = Ztunnel.Policy.Authorization;

namespace Ztunnel.Tests.Proxy;

/// <summary>Policies and workloads that change under live connections (data-path 8.5, 14.9, A8).</summary>
public sealed class LiveConnectionsTests : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly Workload Server = TestMesh.Pod("server", "10.0.0.1");
    private static readonly PolicyInput Call = new(
        IPEndPoint.Parse("10.0.0.9:40000"), IPEndPoint.Parse("10.0.0.1:80"), new SpiffeId("cluster.local", "ns1", "client"));

    private readonly MeshState _mesh = new(TestMesh.Empty.With(Server), TimeProvider.System);
    private readonly CategoryLoggers _loggers = new();
    private readonly InboundAuthorization _authorization;
    private readonly LiveConnections _live;

    public LiveConnectionsTests()
    {
        _authorization = new InboundAuthorization(
            _mesh,
            new MissingPolicies(_mesh, TimeSpan.Zero, TimeProvider.System),
            new ProxyOptions(),
            new Logger<InboundAuthorization>(_loggers));
        _live = new LiveConnections(_mesh, _authorization, new Logger<LiveConnections>(_loggers));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _live.DisposeAsync();
        _loggers.Dispose();
    }

    [Fact]
    public async Task R6_Push_OfDenyingPolicy_ClosesConnection()
    {
        using var connection = Register();
        Assert.Null(await _authorization.RefusalAsync(connection));

        _mesh.Update(snapshot => snapshot.With(Denying("deny", PolicyScope.Namespace)));

        await EndAsync(connection);
        Assert.True(connection.IsClosed);
        await _live.DisposeAsync();
        Assert.Equal(
            "connection 10.0.0.9:40000(spiffe://cluster.local/ns/ns1/sa/client)->10.0.0.1:80 "
                + "(cluster1//Pod/ns1/server) closed because it's no longer allowed after a policy update",
            Assert.Single(_loggers.LinesOf<LiveConnections>(LogLevel.Information)));
    }

    [Fact]
    public async Task R6_Push_OfDenyingPolicy_ClosesPlaintextConnection()
    {
        using var connection = Register(Call with { Identity = null });

        _mesh.Update(snapshot => snapshot.With(Denying("deny", PolicyScope.Global)));

        await EndAsync(connection);
        await _live.DisposeAsync();
        Assert.StartsWith(
            "connection 10.0.0.9:40000(None)->10.0.0.1:80 ",
            Assert.Single(_loggers.LinesOf<LiveConnections>(LogLevel.Information)),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task R6_Removal_OfTheOnlyMatchingAllow_ClosesConnection()
    {
        var allow = Denying("allow", PolicyScope.Namespace) with { Action = PolicyAction.Allow };
        var other = Denying("other", PolicyScope.Namespace) with { Action = PolicyAction.Allow, Rules = [] };
        _mesh.Update(snapshot => snapshot.With(allow, other));
        using var connection = Register();
        Assert.Null(await _authorization.RefusalAsync(connection));

        _mesh.Update(snapshot => snapshot.Without(allow));

        await EndAsync(connection);
    }

    [Fact]
    public async Task WorkloadUpdate_ThatAttachesPolicy_ClosesConnection()
    {
        _mesh.Update(snapshot => snapshot.With(Denying("deny", PolicyScope.WorkloadSelector)));
        using var connection = Register();
        Assert.Null(await _authorization.RefusalAsync(connection));

        _mesh.Update(snapshot => snapshot.With(Server with { AuthorizationPolicies = ["ns1/deny"] }));

        await EndAsync(connection);
    }

    [Fact]
    public async Task Policy_ThatWasNamedBeforeItCame_ClosesConnectionWhenItComes()
    {
        using var connection = Register();

        _mesh.Update(snapshot => snapshot.With(Server with { AuthorizationPolicies = ["ns1/deny"] }));
        _mesh.Update(snapshot => snapshot.With(Denying("deny", PolicyScope.WorkloadSelector)));

        await EndAsync(connection);
    }

    [Fact]
    public async Task Push_WhileDropped_JudgesWorkloadAsLastSeen()
    {
        using var connection = Register();
        _mesh.Update(snapshot => snapshot.Without(Server));

        _mesh.Update(snapshot => snapshot.With(Denying("deny", PolicyScope.Namespace)));

        await EndAsync(connection);
    }

    [Fact]
    public async Task Push_ThatStillAllows_LeavesConnection()
    {
        using var connection = Register();
        using var other = Register(Call with { Destination = IPEndPoint.Parse("10.0.0.1:81") });

        _mesh.Update(snapshot => snapshot.With(Denying("deny", PolicyScope.Namespace)));
        await EndAsync(connection);
        await _live.DisposeAsync();

        Assert.False(other.IsClosed);
        Assert.False(other.Ended.IsCancellationRequested);
    }

    [Fact]
    public async Task Change_OfOtherResources_JudgesNobody()
    {
        using var connection = Register();
        await JudgedAsync();
        var before = Judgements;

        _mesh.Update(snapshot => snapshot.With(
            TestMesh.Pod("other", "10.0.0.2"), TestMesh.Service("web", "80:8080", "10.9.0.1")));
        await _live.DisposeAsync(); // walks what is due first

        Assert.Equal(before, Judgements);
    }

    [Fact]
    public async Task Changes_DuringWalk_DoNotWaitAndAreTakenTogether()
    {
        using var connection = Register();
        using var hold = new ManualResetEventSlim();
        _loggers.Hold = hold;
        _mesh.Update(snapshot => snapshot.With(Denying("a", PolicyScope.Namespace) with { Rules = [] }));
        await Waiting.UntilAsync(() => _loggers.IsHolding, Token);

        for (var i = 0; i < 100; i++)
        {
            _mesh.Update(snapshot => snapshot.With(Denying($"b{i}", PolicyScope.Namespace) with { Rules = [] }));
        }

        hold.Set();
        await _live.DisposeAsync();
        Assert.Equal(2, Judgements);
    }

    [Fact]
    public async Task Change_BetweenRegistrationAndFirstJudgement_Counts()
    {
        using var connection = Register();
        var now = Server with { AuthorizationPolicies = ["ns1/deny"] };

        _mesh.Update(snapshot => snapshot.With(now, Denying("deny", PolicyScope.WorkloadSelector)));

        var refusal = await _authorization.RefusalAsync(connection);
        Assert.Equal(ConnectionFailure.Deny, refusal?.Failure);
        Assert.Equal("connection closed due to policy rejection: explicitly denied by: ns1/deny", refusal?.Message);
    }

    [Fact]
    public void Close_OfConnectionThatIsOver_DoesNothing()
    {
        var connection = Register();
        connection.Dispose();

        Assert.False(connection.Close());
        Assert.False(connection.IsClosed);
    }

    [Fact]
    public void Connection_ThatEndsWhileItIsClosed_ClosesOnce()
    {
        var connection = Register();
        connection.Ended.Register(connection.Dispose);

        Assert.True(connection.Close());
        Assert.False(connection.Close());
    }

    [Fact]
    public async Task Close_ResetsSocketThatNobodyReadsFrom()
    {
        using var connection = Register();
        var (near, far) = await LoopbackSockets.ConnectAsync(Token);
        using var ownedNear = near;
        using var ownedFar = far;
        await using var atEnd = connection.CloseAtEnd(near);

        connection.Close();

        var error = await Assert.ThrowsAsync<SocketException>(async () => await far.ReceiveAsync(new byte[1], Token));
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    [Fact]
    public void Force_EndsConnectionThatPolicyAllows()
    {
        using var forced = new CancellationTokenSource();
        using var connection = _live.Register(Server.Info, Server, Call, forced.Token);

        forced.Cancel();

        Assert.True(connection.Ended.IsCancellationRequested);
        Assert.False(connection.IsClosed);
    }

    // Port 80 only.
    private static Authorization Denying(string name, PolicyScope scope) => new(
        name,
        "ns1",
        scope,
        PolicyAction.Deny,
        [new PolicyRule([new PolicyClause([new PolicyMatch { DestinationPorts = [80] }])])],
        DryRun: false);

    private static async Task EndAsync(LiveConnection connection)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = connection.Ended.UnsafeRegister(
            static source => ((TaskCompletionSource)source!).SetResult(), ended);
        await ended.Task.WaitAsync(Limit, Token);
    }

    private int Judgements => _loggers.LinesOf<InboundAuthorization>(LogLevel.Debug).Length;

    private LiveConnection Register() => Register(Call);

    private LiveConnection Register(PolicyInput input) =>
        _live.Register(Server.Info, Server, in input, CancellationToken.None);

    // One relevant change has been walked, so that none is under way.
    private async Task JudgedAsync()
    {
        _mesh.Update(snapshot => snapshot.With(Denying("none", PolicyScope.Namespace) with { Rules = [] }));
        await Waiting.UntilAsync(() => Judgements > 0, Token);
    }
}
