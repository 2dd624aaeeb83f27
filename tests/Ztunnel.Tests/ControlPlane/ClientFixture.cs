using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Telemetry;
using Ztunnel.Xds;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>A server and a client that trusts it, with the state that the client keeps.</summary>
internal sealed class ClientFixture : IAsyncDisposable
{
    private readonly ServerCertificates _certificates;
    private readonly LoggerFactory _loggers = new();

    private ClientFixture(ServerCertificates certificates, DiscoveryServer server, ProxyOptions options, TimeProvider time)
    {
        _certificates = certificates;
        Server = server;
        Mesh = new MeshState(MeshSnapshot.Empty(options.NodeName), time);
        Registry = new MetricsRegistry();
        Client = new XdsClient(options, Mesh, new XdsMetrics(Registry), time, _loggers);
    }

    public DiscoveryServer Server { get; }

    public MeshState Mesh { get; }

    public MetricsRegistry Registry { get; }

    public XdsClient Client { get; }

    public MeshSnapshot Snapshot => Mesh.Current;

    /// <summary>Options of the proxy that the recordings were made with.</summary>
    public static ProxyOptions RecordedOptions { get; } = new()
    {
        NodeName = "node-a",
        PodName = "ztunnel-x7k2p",
        PodNamespace = "istio-system",
        InstanceIp = "10.20.0.5",
    };

    /// <summary>Starts both; <paramref name="change"/> is given the options with address and root.</summary>
    public static async Task<ClientFixture> StartAsync(
        Func<ProxyOptions, ProxyOptions>? change = null,
        string serverName = "localhost",
        Action<ScriptedDiscovery>? script = null,
        TimeProvider? time = null)
    {
        var certificates = new ServerCertificates();
        var server = await DiscoveryServer.StartAsync(certificates.Issue(serverName));
        script?.Invoke(server.Script);
        var options = RecordedOptions with
        {
            XdsAddress = server.Address,
            Xds = new ControlPlaneOptions(RootCertificateSource.Parse(certificates.RootPem), null, []),
            PacketMark = null,
        };
        var fixture = new ClientFixture(
            certificates, server, change?.Invoke(options) ?? options, time ?? TimeProvider.System);
        fixture.Client.Start();
        return fixture;
    }

    /// <summary>Accepts a stream and reads its two first requests.</summary>
    public async Task<ServerStream> AcceptAsync()
    {
        var stream = await Server.AcceptAsync();
        Assert.Equal(TypeUrls.Address, (await stream.ReadAsync()).TypeUrl);
        Assert.Equal(TypeUrls.Authorization, (await stream.ReadAsync()).TypeUrl);
        return stream;
    }

    /// <summary>The metrics as text.</summary>
    public async Task<string> ScrapeAsync()
    {
        using var output = new MemoryStream();
        await Registry.WriteAsync(output, TestContext.Current.CancellationToken);
        return System.Text.Encoding.UTF8.GetString(output.ToArray());
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
        _certificates.Dispose();
        _loggers.Dispose();
    }
}
