using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Hbone.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Ztunnel.Protos.CertificateApi;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>
/// istiod's CA on loopback: real gRPC over real TLS, with a token check. The test may replace the answer by any
/// misbehaviour, and the certificate of the server.
/// </summary>
internal sealed class CertificateAuthorityServer : IAsyncDisposable
{
    public const string Token = "the-token";

    private readonly WebApplication _application;
    private int _connections;

    private CertificateAuthorityServer(SigningAuthority authority, SslProtocols protocols)
    {
        Authority = authority;
        ServerCertificate = authority.ForServer("127.0.0.1");
        Answer = (request, _) => Task.FromResult(Sign(request));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = _ =>
                {
                    Interlocked.Increment(ref _connections);
                    return ValueTask.FromResult(new SslServerAuthenticationOptions
                    {
                        ServerCertificateContext = SslStreamCertificateContext.Create(
                            ServerCertificate, [authority.Intermediate], offline: true),
                        EnabledSslProtocols = protocols,
                    });
                },
            });
        }));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        _application = builder.Build();
        _application.MapGrpcService<Service>();
    }

    public SigningAuthority Authority { get; }

    /// <summary>Presented to connections from now on.</summary>
    public X509Certificate2 ServerCertificate { get; set; }

    /// <summary>Only this token is let in; null lets everybody in.</summary>
    public string? ExpectedToken { get; set; }

    /// <summary>Answers the calls that were let in.</summary>
    public Func<IstioCertificateRequest, ServerCallContext, Task<IstioCertificateResponse>> Answer { get; set; }

    /// <summary>Every call with its headers.</summary>
    public ConcurrentQueue<(IstioCertificateRequest Request, Metadata Headers)> Calls { get; } = [];

    /// <summary>Connections that got as far as TLS.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public Uri Address => new(_application.Services.GetRequiredService<IServer>()
        .Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    public static async Task<CertificateAuthorityServer> StartAsync(SslProtocols protocols = SslProtocols.Tls13)
    {
        var server = new CertificateAuthorityServer(new SigningAuthority("istiod", DateTimeOffset.UtcNow), protocols);
        await server._application.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    /// <summary>A good answer.</summary>
    public IstioCertificateResponse Sign(IstioCertificateRequest request, SpiffeId? identity = null)
    {
        identity ??= SpiffeId.Parse(request.Metadata.Fields["ImpersonatedIdentity"].StringValue);
        var now = DateTimeOffset.UtcNow;
        return new IstioCertificateResponse
        {
            CertChain = { Authority.Sign(request.Csr, identity, now.AddMinutes(-2), now.AddSeconds(request.ValidityDuration)) },
        };
    }

    public async ValueTask DisposeAsync()
    {
        using var brief = new CancellationTokenSource(TimeSpan.FromSeconds(1)); // calls that hang are cut
        await _application.StopAsync(brief.Token);
        await _application.DisposeAsync();
        ServerCertificate.Dispose();
        Authority.Dispose();
    }

    private sealed class Service(CertificateAuthorityServer server) : IstioCertificateService.IstioCertificateServiceBase
    {
        public override Task<IstioCertificateResponse> CreateCertificate(
            IstioCertificateRequest request, ServerCallContext context)
        {
            server.Calls.Enqueue((request, context.RequestHeaders));
            return server.ExpectedToken is { } token
                && context.RequestHeaders.GetValue("authorization") != $"Bearer {token}"
                    ? throw new RpcException(new Status(StatusCode.Unauthenticated, "request authenticate failure"))
                    : server.Answer(request, context);
        }
    }
}
