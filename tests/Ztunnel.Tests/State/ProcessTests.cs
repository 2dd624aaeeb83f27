using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json.Nodes;
using Ztunnel.Tests.ControlPlane;
using Ztunnel.Xds;
using static Ztunnel.Tests.ControlPlane.Responses;
using Proto = Ztunnel.Protos.WorkloadApi;

namespace Ztunnel.Tests.State;

/// <summary>The whole process with a control plane, and after a restart without one: control-plane 2.9.</summary>
public sealed class ProcessTests : IAsyncLifetime
{
    private const string Uid = "Kubernetes//Pod/ns/web";

    private ProcessFixture _fixture = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _fixture = await ProcessFixture.StartAsync();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    /// <summary>X1, and what follows: certificate, dump, restart from the snapshot, the control plane's return.</summary>
    [Fact]
    public async Task X1_ReadyAfterBothTypes_ThenServesFromTheSnapshotWithoutControlPlane_ThenFollowsItAgain()
    {
        await _fixture.StartProxyAsync();
        var stream = await AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses(Web()));
        await _fixture.UntilAsync(async () => await _fixture.ReadinessAsync() is not null, "listening");
        Assert.Equal(
            (HttpStatusCode.InternalServerError, "not ready, pending: state manager\n"),
            await _fixture.ReadinessAsync());
        await stream.SendAndReadAckAsync(Policies(Resource(NewDeny())));
        await _fixture.WaitUntilReadyAsync();

        // A peer that comes is what a certificate is fetched for.
        Assert.NotNull(await HandshakeAsync());
        var dump = await _fixture.DumpAsync();
        Assert.Equal([Uid], Uids(dump));
        Assert.Equal("Available", (string?)Assert.Single(dump["certificates"]!.AsArray())!["state"]);
        Assert.False((bool)dump["stateSnapshot"]!["inUse"]!);
        var (request, headers) = Assert.Single(_fixture.Authority.Calls);
        Assert.Null(request.Metadata); // the token's own identity: a dedicated proxy asks for nobody else
        Assert.Equal($"Bearer {CertificateAuthorityServer.Token}", headers.GetValue("authorization"));
        Assert.Equal(0, await _fixture.Proxy.StopAsync());

        await _fixture.StopControlPlaneAsync();
        await _fixture.StartProxyAsync();
        await _fixture.WaitUntilReadyAsync();
        dump = await _fixture.DumpAsync();
        Assert.Equal([Uid], Uids(dump));
        Assert.Single(dump["policies"]!.AsArray());
        Assert.True((bool)dump["stateSnapshot"]!["inUse"]!);
        Assert.Contains("ztunnel_state_from_snapshot 1\n", await _fixture.ScrapeAsync());

        // Keys are not kept: without a CA there is no tunnel, rather than an old one.
        Assert.Null(await HandshakeAsync());
        Assert.DoesNotContain(
            Directory.GetFiles(_fixture.StateDirectory).SelectMany(File.ReadAllLines),
            line => line.Contains("PRIVATE KEY", StringComparison.Ordinal));

        await _fixture.StartControlPlaneAsync();
        stream = await _fixture.Discovery.AcceptAsync();
        Assert.Equal([Uid], (await stream.ReadAsync()).InitialResourceVersions.Keys);
        Assert.Equal(["ns/deny"], (await stream.ReadAsync()).InitialResourceVersions.Keys);
        await stream.SendAndReadAckAsync(Addresses(Web()));
        await stream.SendAndReadAckAsync(Removed(TypeUrls.Authorization, "ns/deny"));
        await _fixture.UntilAsync(async () => (await _fixture.DumpAsync())["policies"]!.AsArray().Count == 0, "removed");
        Assert.False((bool)(await _fixture.DumpAsync())["stateSnapshot"]!["inUse"]!);
        Assert.Equal(0, await _fixture.Proxy.StopAsync());
    }

    /// <summary>A disk that is full or cannot be written costs the snapshot, and nothing else.</summary>
    [Theory]
    [InlineData("size=16k,mode=700")]
    [InlineData("ro,mode=700")]
    public async Task DiskThatTakesNothing_IsCountedAndLoggedOnceAndTheProxyServes(string mount)
    {
        Directory.CreateDirectory(_fixture.StateDirectory);
        await _fixture.StartProxyAsync(
            "unshare", "--mount", "sh", "-c", "mount -t tmpfs -o \"$0\" tmpfs \"$1\" && shift && exec \"$@\"",
            mount, _fixture.StateDirectory);
        var stream = await AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses(
            [Web(), .. Enumerable.Range(0, 1_000).Select(i => Workload($"w{i}", "10.0.0.2"))]));
        await stream.SendAndReadAckAsync(Policies());
        await _fixture.WaitUntilReadyAsync();

        await _fixture.UntilAsync(
            async () => (await _fixture.ScrapeAsync()).Contains(
                "ztunnel_state_snapshot_writes_total{result=\"failure\"} 1\n", StringComparison.Ordinal),
            "tried");
        Assert.Equal(1_001, (await _fixture.DumpAsync())["workloads"]!.AsArray().Count);
        Assert.NotNull(await HandshakeAsync());

        // Tried once more at the end, for the same reason in vain.
        Assert.Equal(0, await _fixture.Proxy.StopAsync());
        Assert.Single(
            _fixture.Proxy.Output.Since(0), line => line.Contains("snapshot not written", StringComparison.Ordinal));
    }

    private static Protos.Discovery.Resource Web()
    {
        var workload = NewWorkload("web", "10.0.0.1");
        workload.ServiceAccount = "web";
        workload.Node = "node-a";
        workload.TunnelProtocol = Proto.TunnelProtocol.Hbone;
        return Resource(workload);
    }

    private static Protos.SecurityApi.Authorization NewDeny()
    {
        var policy = NewPolicy("deny");
        policy.Action = Protos.SecurityApi.Action.Deny;
        return policy;
    }

    private static IEnumerable<string?> Uids(JsonNode dump) =>
        dump["workloads"]!.AsArray().Select(workload => (string?)workload!["uid"]);

    private async Task<ServerStream> AcceptAsync()
    {
        var stream = await _fixture.Discovery.AcceptAsync();
        Assert.Equal(TypeUrls.Address, (await stream.ReadAsync()).TypeUrl);
        Assert.Equal(TypeUrls.Authorization, (await stream.ReadAsync()).TypeUrl);
        return stream;
    }

    /// <summary>What port 15008 shows a peer: its certificate, or null when it has none.</summary>
    private async Task<string?> HandshakeAsync()
    {
        using var socket = await _fixture.ConnectAsync(15008, Token);
        await using var tls = new SslStream(new NetworkStream(socket));
        string? subject = null;
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "",
                    ApplicationProtocols = [SslApplicationProtocol.Http2],
                    EnabledSslProtocols = SslProtocols.Tls13,
                    RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                    {
                        subject = certificate?.GetSerialNumberString();
                        return subject is not null;
                    },
                },
                Token);
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            // We have no certificate to show; what was shown to us was seen before.
        }

        return subject;
    }
}
