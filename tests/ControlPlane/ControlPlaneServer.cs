using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Ztunnel.Tests.ControlPlane;

namespace ControlPlane;

/// <summary>Discovery and CA on one port, over TLS with a certificate of that CA, as istiod has them on 15012.</summary>
internal sealed class ControlPlaneServer : IAsyncDisposable
{
    private const string DnsName = "istiod.istio-system.svc";

    private readonly WebApplication _application;
    private readonly SigningAuthority _authority;
    private readonly X509Certificate2 _certificate;

    private ControlPlaneServer(ServerOptions options, PublishedMesh mesh, TextWriter log)
    {
        _authority = new SigningAuthority("control plane", DateTimeOffset.UtcNow);
        _certificate = _authority.ForServer(DnsName, options.Listen.Address.ToString());
        var context = SslStreamCertificateContext.Create(_certificate, [_authority.Intermediate], offline: true);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(options.Listen, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = context,
                    EnabledSslProtocols = SslProtocols.Tls13,
                }),
            });
        }));
        var callers = new Callers(options.TokenFile);
        builder.Services.AddSingleton(new MeshDiscovery(mesh, callers, log));
        builder.Services.AddSingleton(new MeshCertificates(_authority, mesh, callers, log));
        builder.Services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = 64 * 1024 * 1024);
        _application = builder.Build();
        _application.MapGrpcService<MeshDiscovery>();
        _application.MapGrpcService<MeshCertificates>();
    }

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_application.Services.GetRequiredService<IServer>()
        .Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    /// <summary>Writes the root, then serves.</summary>
    /// <exception cref="IOException">The root cannot be written, or the port is taken.</exception>
    public static async Task<ControlPlaneServer> StartAsync(
        ServerOptions options, PublishedMesh mesh, TextWriter log, CancellationToken cancellationToken)
    {
        var server = new ControlPlaneServer(options, mesh, log);
        try
        {
            await File.WriteAllTextAsync(options.RootFile, server._authority.RootPem, cancellationToken);
            await server._application.StartAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using var noPatience = new CancellationTokenSource(TimeSpan.Zero);
        try
        {
            await _application.StopAsync(noPatience.Token);
        }
        catch (OperationCanceledException) when (noPatience.IsCancellationRequested)
        {
            // Streams that are open are cut.
        }

        await _application.DisposeAsync();
        _certificate.Dispose();
        _authority.Dispose();
    }
}
