using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Telemetry;
using Ztunnel.Tests.Proxy;
using Ztunnel.Xds;
using ManualTime = Ztunnel.Tests.Identity.ManualTime;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>A server and a client that trusts it, with the state that the client keeps.</summary>
internal sealed class ClientFixture : IAsyncDisposable
{
    private readonly ServerCertificates _certificates;
    private readonly CategoryLoggers _loggers = new();

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

    /// <summary>What the client has told an operator: warnings and, on request, another level.</summary>
    public string[] Lines(LogLevel level = LogLevel.Warning) => _loggers.LinesOf<XdsClient>(level);

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
        TimeProvider? time = null,
        TimeSpan? certificateLife = null)
    {
        var certificates = new ServerCertificates();
        var server = await DiscoveryServer.StartAsync(certificates.Issue(serverName, certificateLife));
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

    /// <summary>The next stream of a client that waits by this clock before it comes back. Its requests are not read.</summary>
    public async Task<ServerStream> AcceptLaterAsync(ManualTime time)
    {
        var accepting = Server.AcceptAsync();
        while (!accepting.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            await Task.Delay(TimeSpan.FromMilliseconds(1), TestContext.Current.CancellationToken);
        }

        return await accepting;
    }

    /// <summary>Presents another certificate to connections from now on.</summary>
    public void ReplaceCertificate(string serverName = "localhost") => Server.Certificate = _certificates.Issue(serverName);

    /// <summary>Another server at the address of the one before, which must be gone.</summary>
    public Task<DiscoveryServer> StartAgainAsync() =>
        DiscoveryServer.StartAsync(_certificates.Issue("localhost"), Server.Address.Port);

    /// <summary>How many streams have ended so.</summary>
    public async Task<int> EndsAsync(string reason)
    {
        var counted = Regex.Match(await ScrapeAsync(), $"terminations_total\\{{reason=\"{reason}\"\\}} (\\d+)");
        return counted.Success ? int.Parse(counted.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
    }

    /// <summary>Waits until so many streams have ended like that.</summary>
    public async Task WaitForEndsAsync(string reason, int count = 1)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (await EndsAsync(reason) < count)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), limit.Token);
        }
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
