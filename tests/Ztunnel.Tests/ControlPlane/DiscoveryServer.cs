using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>A gRPC server on loopback with TLS, as istiod is one.</summary>
internal sealed class DiscoveryServer : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly WebApplication _application;
    private readonly List<X509Certificate2> _certificates;

    private DiscoveryServer(WebApplication application, ScriptedDiscovery script, List<X509Certificate2> certificates)
    {
        _application = application;
        Script = script;
        _certificates = certificates;
        var bound = application.Services.GetRequiredService<IServer>().Features
            .GetRequiredFeature<IServerAddressesFeature>().Addresses.Single();
        Address = new Uri($"https://localhost:{new Uri(bound).Port}");
    }

    public ScriptedDiscovery Script { get; }

    public Uri Address { get; }

    /// <summary>Presented to connections from now on; given, so this disposes it.</summary>
    public X509Certificate2 Certificate
    {
        set
        {
            lock (_certificates)
            {
                _certificates.Add(value);
            }
        }
    }

    /// <param name="certificate">Given: this disposes it.</param>
    /// <param name="port">On loopback; 0 for any.</param>
    public static async Task<DiscoveryServer> StartAsync(X509Certificate2 certificate, int port = 0)
    {
        var script = new ScriptedDiscovery();
        List<X509Certificate2> certificates = [certificate];
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(script);
        builder.Services.AddGrpc(options => options.MaxReceiveMessageSize = 64 * 1024 * 1024);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(https => https.ServerCertificateSelector = (_, _) =>
            {
                lock (certificates)
                {
                    return certificates[^1];
                }
            });
        }));
        var application = builder.Build();
        application.Use((context, next) =>
        {
            if (script.HttpStatus is not { } status)
            {
                return next(context);
            }

            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        application.MapGrpcService<ScriptedDiscovery>();
        await application.StartAsync(TestContext.Current.CancellationToken);
        return new DiscoveryServer(application, script, certificates);
    }

    /// <summary>The next stream that a client opens.</summary>
    public async Task<ServerStream> AcceptAsync() =>
        await Script.Accepted.ReadAsync(TestContext.Current.CancellationToken).AsTask()
            .WaitAsync(Limit, TestContext.Current.CancellationToken);

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
        _certificates.ForEach(certificate => certificate.Dispose());
    }
}
