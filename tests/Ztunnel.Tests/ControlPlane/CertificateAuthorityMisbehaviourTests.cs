using Grpc.Core;
using Hbone.Tls;
using Microsoft.Extensions.Logging;
using Ztunnel.Identity;
using Ztunnel.Protos.CertificateApi;
using Ztunnel.Tests.Identity;
using Ztunnel.Tests.Proxy;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>
/// A CA that cannot be used: said once when it begins and once when it is over, asked again, and the certificate that is
/// there stays (control-plane 4.2, 4.5, 12).
/// </summary>
public sealed class CertificateAuthorityMisbehaviourTests : IAsyncLifetime
{
    private const int Attempts = 4;

    private static readonly SpiffeId Web = new("cluster.local", "shop", "web");

    private readonly ManualTime _time = new(DateTimeOffset.UtcNow);
    private readonly CategoryLoggers _loggers = new();
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
            new Logger<IstioCertificateAuthority>(_loggers));
        _manager = new CertificateManager(_authority, _time, new Logger<CertificateManager>(_loggers));
    }

    public async ValueTask DisposeAsync()
    {
        await _manager.DisposeAsync();
        _authority.Dispose();
        await _server.DisposeAsync();
        _loggers.Dispose();
    }

    [Theory]
    [InlineData("refused", "signing gRPC error (Unauthenticated): request authenticate failure")]
    [InlineData("expired server", "signing gRPC error (")]
    [InlineData("expired certificate", "signing error: the CA's certificate expired at ")]
    [InlineData("text of 14 MiB", "signing gRPC error (")]
    [InlineData("another identity", "did not find expected SAN: ")]
    public async Task FirstCertificate_NotToBeHad_IsSaidOnceAndRetriedUntilItWorks(string how, string reason)
    {
        Break(how);

        var error = await Assert.ThrowsAsync<IdentityException>(() => _manager.FetchAsync(Web, Token).AsTask());
        await FailAsync(Attempts);

        Assert.StartsWith(reason, error.Message, StringComparison.Ordinal);
        Assert.InRange(error.Message.Length, 1, 600);
        var line = Assert.Single(Lines(LogLevel.Warning));
        Assert.StartsWith(
            $"no certificate: connections of this identity are refused until there is one\t{Web} ",
            line,
            StringComparison.Ordinal);
        Assert.Empty(Lines(LogLevel.Information));

        Repair();
        await AdvanceUntilAsync(() => Assert.Single(_manager.Entries).Certificate is not null);

        Assert.Equal(Web, (await _manager.FetchAsync(Web, Token)).Identity);
        Assert.Single(Lines(LogLevel.Warning));
        Assert.StartsWith(
            "certificate issued after failures", Assert.Single(Lines(LogLevel.Information)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("refused")]
    [InlineData("expired certificate")]
    [InlineData("certificate from the future")]
    public async Task Renewal_NotToBeHad_IsSaidOnceAndTheCertificateStays(string how)
    {
        var valid = await _manager.FetchAsync(Web, Token);
        Break(how);

        _time.Advance(TimeSpan.FromHours(12.1));
        await FailAsync(Attempts);

        Assert.Same(valid, await _manager.FetchAsync(Web, Token));
        Assert.StartsWith(
            "certificate not renewed: the present one is used until it expires",
            Assert.Single(Lines(LogLevel.Warning)),
            StringComparison.Ordinal);
    }

    private void Break(string how)
    {
        var now = DateTimeOffset.UtcNow;
        switch (how)
        {
            case "refused":
                _server.ExpectedToken = "another";
                break;
            case "expired server":
                _server.ServerCertificate = _server.Authority.ForServerUntil(now.AddMinutes(-1), "127.0.0.1");
                break;
            case "expired certificate":
                _server.Answer = (request, _) => Sign(request, Web, now.AddHours(-2), now.AddHours(-1));
                break;
            case "certificate from the future":
                _server.Answer = (request, _) => Sign(request, Web, now.AddDays(2), now.AddDays(3));
                break;
            case "text of 14 MiB":
                _server.Answer = (_, _) =>
                    throw new RpcException(new Status(StatusCode.Internal, new string('x', 14 * 1024 * 1024)));
                break;
            default:
                _server.Answer = (request, _) => Sign(request, new("cluster.local", "shop", "bob"), now, now.AddDays(1));
                break;
        }
    }

    private void Repair()
    {
        _server.ExpectedToken = null;
        _server.ServerCertificate = _server.Authority.ForServer("127.0.0.1");
        _server.Answer = (request, _) => Task.FromResult(_server.Sign(request));
    }

    private Task<IstioCertificateResponse> Sign(
        IstioCertificateRequest request, SpiffeId identity, DateTimeOffset notBefore, DateTimeOffset notAfter) =>
        Task.FromResult(new IstioCertificateResponse
        {
            CertChain = { _server.Authority.Sign(request.Csr, identity, notBefore, notAfter) },
        });

    private string[] Lines(LogLevel level) => _loggers.LinesOf<CertificateManager>(level);

    // The first failure is a warning, those after it are debug.
    private Task FailAsync(int attempts) => AdvanceUntilAsync(() =>
        Lines(LogLevel.Warning).Length + Lines(LogLevel.Debug).Count(line => line.Contains("signing", StringComparison.Ordinal)
            || line.Contains("expected SAN", StringComparison.Ordinal)) >= attempts);

    private async Task AdvanceUntilAsync(Func<bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            // To the next attempt, but not past the time that one of them may take.
            if (_time.NextDue is { } due && due - _time.GetUtcNow() < TimeSpan.FromSeconds(25))
            {
                _time.Advance(due - _time.GetUtcNow());
            }

            await Task.Delay(TimeSpan.FromMilliseconds(2), limit.Token);
        }
    }
}
