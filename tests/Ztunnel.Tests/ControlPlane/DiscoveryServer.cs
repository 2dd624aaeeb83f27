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
    private readonly X509Certificate2 _certificate;

    private DiscoveryServer(WebApplication application, ScriptedDiscovery script, X509Certificate2 certificate)
    {
        _application = application;
        Script = script;
        _certificate = certificate;
        var bound = application.Services.GetRequiredService<IServer>().Features
            .GetRequiredFeature<IServerAddressesFeature>().Addresses.Single();
        Address = new Uri($"https://localhost:{new Uri(bound).Port}");
    }

    public ScriptedDiscovery Script { get; }

    public Uri Address { get; }

    public static async Task<DiscoveryServer> StartAsync(X509Certificate2 certificate)
    {
        var script = new ScriptedDiscovery();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(script);
        builder.Services.AddGrpc(options => options.MaxReceiveMessageSize = 64 * 1024 * 1024);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(certificate);
        }));
        var application = builder.Build();
        application.MapGrpcService<ScriptedDiscovery>();
        await application.StartAsync(TestContext.Current.CancellationToken);
        return new DiscoveryServer(application, script, certificate);
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
        _certificate.Dispose();
    }
}
