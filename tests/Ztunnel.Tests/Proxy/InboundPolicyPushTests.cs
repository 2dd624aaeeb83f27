using System.Net;
using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Pool;
using Ztunnel.Mesh;
using Ztunnel.Tests.ControlPlane;
using static Ztunnel.Tests.ControlPlane.Responses;
using Security = Ztunnel.Protos.SecurityApi;

namespace Ztunnel.Tests.Proxy;

/// <summary>A control plane that forbids what is already connected (data-path 8.5, 14.9, A8).</summary>
public sealed class InboundPolicyPushTests : IAsyncDisposable
{
    private static readonly WorkloadInfo Pod = new("server", "ns", "server");

    private ClientFixture? _controlPlane;
    private ServerStream? _stream;
    private InboundFixture? _inbound;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private InboundFixture Inbound => _inbound!;

    private ServerStream ControlPlane => _stream!;

    public async ValueTask DisposeAsync()
    {
        if (_inbound is not null)
        {
            await _inbound.DisposeAsync();
        }

        if (_controlPlane is not null)
        {
            await _controlPlane.DisposeAsync();
        }
    }

    /// <summary>RFC 9113 sections 5.4.2 and 8.5: RST_STREAM ends this stream, the connection carries on.</summary>
    [Fact]
    public async Task R6_PolicyPush_ResetsTheForbiddenStreamAlone()
    {
        await StartAsync();
        using var forbidden = InboundFixture.Listen();
        using var allowed = InboundFixture.Listen();
        var cut = await Inbound.OpenAsync(forbidden);
        using var cutApplication = await forbidden.AcceptAsync(Token);
        var kept = await Inbound.OpenAsync(allowed);
        using var keptApplication = await allowed.AcceptAsync(Token);

        await ControlPlane.SendAndReadAckAsync(Policies(Denying(forbidden)));

        Assert.Equal(StreamReadKind.Reset, await ReadAsync(cut));
        Assert.Equal(Http2ErrorCode.ConnectError, Assert.IsType<Http2StreamException>(cut.Stream.Failure).Code);
        await AssertResetAsync(cutApplication);
        await keptApplication.SendAsync("still here"u8.ToArray(), Token);
        Assert.Equal(StreamReadKind.Data, await ReadAsync(kept));
        Assert.Equal(1, Inbound.Dials);
    }

    /// <summary>The text is that of control-plane 5.3.</summary>
    [Fact]
    public async Task R7_Allow_ThatDoesNotMatch_RefusesTheTunnelWith401AndSaysWhy()
    {
        await StartAsync();
        using var application = InboundFixture.Listen();
        using var other = InboundFixture.Listen();
        var allow = DenyingPolicy(other);
        allow.Action = Security.Action.Allow;
        await ControlPlane.SendAndReadAckAsync(Policies(Resource(allow)));

        var refusal = await Assert.ThrowsAsync<HboneStatusException>(() => Inbound.OpenAsync(application).AsTask());

        Assert.Equal(401, refusal.Status);
        Assert.Contains(
            "allow policies exist, but none allowed",
            Assert.Single(await Inbound.AccessLogAsync()),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task PolicyPush_SaysWhyInLogAndMetrics()
    {
        await StartAsync();
        using var forbidden = InboundFixture.Listen();
        var cut = await Inbound.OpenAsync(forbidden);
        using var application = await forbidden.AcceptAsync(Token);

        await ControlPlane.SendAndReadAckAsync(Policies(Denying(forbidden)));

        Assert.Equal(StreamReadKind.Reset, await ReadAsync(cut));
        var line = Assert.Single(await Inbound.AccessLogAsync());
        Assert.Contains("error=\"connection closed due to policy change\"", line, StringComparison.Ordinal);
        Assert.Contains("response_flags=\"DENY\"", await Inbound.ScrapeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PolicyPush_WhileDraining_StillCloses()
    {
        await StartAsync();
        using var forbidden = InboundFixture.Listen();
        var cut = await Inbound.OpenAsync(forbidden);
        using var application = await forbidden.AcceptAsync(Token);
        await Inbound.Drain.StartAsync();

        await ControlPlane.SendAndReadAckAsync(Policies(Denying(forbidden)));

        Assert.Equal(StreamReadKind.Reset, await ReadAsync(cut));
    }

    [Fact]
    public async Task WorkloadPush_ThatAttachesPolicy_Closes()
    {
        await StartAsync();
        using var forbidden = InboundFixture.Listen();
        var deny = DenyingPolicy(forbidden);
        deny.Scope = Security.Scope.WorkloadSelector;
        await ControlPlane.SendAndReadAckAsync(Policies(Resource(deny)));
        var cut = await Inbound.OpenAsync(forbidden);
        using var application = await forbidden.AcceptAsync(Token);
        var server = NewServer();
        server.AuthorizationPolicies.Add("ns/deny");

        await ControlPlane.SendAndReadAckAsync(Addresses(Resource(server, "2")));

        Assert.Equal(StreamReadKind.Reset, await ReadAsync(cut));
    }

    [Fact]
    public async Task R6_PolicyPush_ResetsBothEndsOfForbiddenPlaintext()
    {
        await StartAsync();
        using var forbidden = InboundFixture.Listen();
        var (peer, application) = await Inbound.PassAsync(forbidden);
        using var ownedPeer = peer;
        using var ownedApplication = application;

        await ControlPlane.SendAndReadAckAsync(Policies(Denying(forbidden)));

        await AssertResetAsync(peer);
        await AssertResetAsync(application);
        var line = Assert.Single(await Inbound.AccessLogAsync());
        Assert.Contains("error=\"connection closed due to policy change\"", line, StringComparison.Ordinal);
    }

    private static Protos.Discovery.Resource Denying(Socket application) => Resource(DenyingPolicy(application));

    private static Security.Authorization DenyingPolicy(Socket application)
    {
        var match = new Security.Match();
        match.DestinationPorts.Add((uint)((IPEndPoint)application.LocalEndPoint!).Port);
        var policy = NewPolicy("deny", match);
        policy.Action = Security.Action.Deny;
        return policy;
    }

    private static Protos.WorkloadApi.Workload NewServer()
    {
        var server = NewWorkload(Pod.Name, "127.0.0.1");
        server.ServiceAccount = Pod.ServiceAccount;
        server.Node = ClientFixture.RecordedOptions.NodeName;
        return server;
    }

    private static async Task<StreamReadKind> ReadAsync(HboneTunnel tunnel)
    {
        StreamRead read;
        while (!tunnel.Stream.TryRead(out read))
        {
            await tunnel.Stream.WaitReadableAsync().AsTask().WaitAsync(InboundFixture.Limit, Token);
        }

        tunnel.Stream.Return(read);
        return read.Kind;
    }

    private static async Task AssertResetAsync(Socket socket)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(InboundFixture.Limit);
        var error = await Assert.ThrowsAsync<SocketException>(
            async () => await socket.ReceiveAsync(new byte[1], limit.Token));
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    private async Task StartAsync()
    {
        _controlPlane = await ClientFixture.StartAsync();
        _inbound = new InboundFixture(_controlPlane.Mesh, Pod);
        _stream = await _controlPlane.AcceptAsync();
        await _stream.SendAndReadAckAsync(Addresses(Resource(NewServer())));
        await _stream.SendAndReadAckAsync(Policies());
    }
}
