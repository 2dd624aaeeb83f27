using System.Security.Cryptography;
using Hbone;
using Hbone.Http2;
using Hbone.Tls;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Identity;
using Ztunnel.Protos.CertificateApi;
using Ztunnel.Tests.Identity;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>The certificate cache with the client of istiod's CA, a real server, and a clock that the test moves.</summary>
public sealed class CertificateRotationTests : IAsyncLifetime
{
    private static readonly SpiffeId Web = new("cluster.local", "shop", "web");
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan FirstBackoff = TimeSpan.FromSeconds(1.2);

    private readonly ManualTime _time = new(DateTimeOffset.UtcNow);
    private CertificateAuthorityServer _server = null!;
    private IstioCertificateAuthority _authority = null!;
    private CertificateManager _manager = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await CertificateAuthorityServer.StartAsync();
        _authority = new IstioCertificateAuthority(
            _server.Address,
            ControlPlaneTestOptions.Trusting(_server.Authority.RootPem),
            NullLogger<IstioCertificateAuthority>.Instance);
        _manager = new CertificateManager(_authority, _time, NullLogger<CertificateManager>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        await _manager.DisposeAsync();
        _authority.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task D11_T10_Renewal_BundleWithANewRoot_NewConnectionsTrustItInBothRoles()
    {
        using var next = new SigningAuthority("next", DateTimeOffset.UtcNow);
        var peer = Issue(next, Web, next.RootPem + _server.Authority.RootPem);
        var old = await _manager.FetchAsync(Web, Token);
        await Assert.ThrowsAsync<TlsException>(() => HandshakeAsync(client: old, server: peer));

        _server.Answer = (request, _) =>
        {
            var response = _server.Sign(request);
            response.CertChain[^1] = _server.Authority.RootPem + next.RootPem;
            return Task.FromResult(response);
        };
        _time.Advance(TimeSpan.FromHours(12.1));
        var renewed = await UntilRenewedAsync(old);

        Assert.Equal([_server.Authority.Root, next.Root], renewed.Roots);
        await HandshakeAsync(client: renewed, server: peer);
        await HandshakeAsync(client: peer, server: renewed);
    }

    [Fact]
    public async Task Fetch_CaThatHangs_FailsAtTheDeadlineForEverybodyAndEndsTheCall()
    {
        var (called, ended) = (new TaskCompletionSource(), new TaskCompletionSource());
        _server.Answer = async (_, context) =>
        {
            await using var registration = context.CancellationToken.Register(ended.SetResult);
            called.SetResult();
            await ended.Task;
            return new IstioCertificateResponse();
        };

        var waiters = Enumerable.Range(0, 3).Select(_ => _manager.FetchAsync(Web, Token).AsTask()).ToArray();
        await called.Task.WaitAsync(Limit, Token);
        _time.Advance(TimeSpan.FromSeconds(30));

        foreach (var waiter in waiters)
        {
            var error = await Assert.ThrowsAsync<IdentityException>(() => waiter.WaitAsync(Limit, Token));
            Assert.Equal("signing error: no answer from the CA in 30 s", error.Message);
        }

        await ended.Task.WaitAsync(Limit, Token);
        Assert.Single(_server.Calls);
    }

    [Fact]
    public async Task T7_Renewal_RefusedByTheCa_KeepsTheCertificateAndRetries()
    {
        var valid = await _manager.FetchAsync(Web, Token);
        _server.ExpectedToken = "another";
        _time.Advance(TimeSpan.FromHours(12.1));
        await UntilAsync(() => _time.NextDue - _time.GetUtcNow() <= FirstBackoff); // refused, and sleeping
        Assert.Same(valid, await _manager.FetchAsync(Web, Token));

        _server.ExpectedToken = null;
        _time.Advance(FirstBackoff);
        var renewed = await UntilRenewedAsync(valid);

        Assert.NotSame(valid, renewed);
    }

    [Fact]
    public async Task T6_Fetch_UnknownIdentity_IsDumpedWithTheErrorOfTheCa()
    {
        _server.ExpectedToken = "another";

        var error = await Assert.ThrowsAsync<IdentityException>(() => _manager.FetchAsync(Web, Token).AsTask());

        Assert.Equal("signing gRPC error (Unauthenticated): request authenticate failure", error.Message);
        Assert.Equal($"Unavailable: {error.Message}", Assert.Single(_manager.Entries).State);
    }

    private static WorkloadCertificate Issue(SigningAuthority authority, SpiffeId identity, string roots)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = DateTimeOffset.UtcNow;
        var chain = authority.Sign(
            CertificateSigningRequest.ToPem(key, identity), identity, now.AddMinutes(-2), now.AddHours(1));
        return IssuedChain.Read([chain[0], chain[1], roots], key, identity, checksName: true, out _);
    }

    private static async Task HandshakeAsync(WorkloadCertificate client, WorkloadCertificate server)
    {
        var (dialled, accepted) = await LoopbackSockets.ConnectAsync(Token);
        var options = new HboneEndpointOptions();
        var serving = HboneEndpoint.AcceptAsync(accepted, server, options, _ => { }, TimeProvider.System, Token);
        Http2Connection? connection = null;
        try
        {
            connection = await HboneEndpoint.ConnectAsync(dialled, client, [Web], options, TimeProvider.System, Token);
            await using var served = await serving; // a client is done before the server has looked at it
        }
        finally
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }

            await ((Task)serving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<WorkloadCertificate> UntilRenewedAsync(WorkloadCertificate old)
    {
        await UntilAsync(() => !ReferenceEquals(Assert.Single(_manager.Entries).Certificate, old));
        return await _manager.FetchAsync(Web, Token);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
