using Hbone.Memory;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Config;
using Ztunnel.Dns.Hosts;
using Ztunnel.Identity;
using Ztunnel.Mesh;
using Ztunnel.Proxy;
using Ztunnel.Telemetry;
using Ztunnel.Tests.Telemetry;
using Ztunnel.Xds;

namespace Ztunnel.Tests.Proxy;

/// <summary>What the proxy of one pod is built on, over a mesh of the test and with a log that the test reads.</summary>
internal sealed class PodServices : IAsyncDisposable
{
    private readonly LogCapture _log = new(LogFormat.Plain, "access=info");
    private readonly MetricsRegistry _registry = new();

    /// <param name="mesh">State of the mesh.</param>
    /// <param name="pod">Who is served.</param>
    /// <param name="options">Of the proxy.</param>
    /// <param name="authority">Signs certificates; disposed with this.</param>
    /// <param name="loggers">Where the proxy logs to.</param>
    /// <param name="time">Clock of the connections' limits.</param>
    public PodServices(
        MeshState mesh,
        WorkloadInfo pod,
        ProxyOptions options,
        ICertificateAuthority authority,
        ILoggerFactory loggers,
        TimeProvider time)
    {
        Authority = authority;
        Certificates = new CertificateManager(
            authority, TimeProvider.System, NullLogger<CertificateManager>.Instance);
        var missing = new MissingPolicies(mesh, options.UnknownPolicyWait, TimeProvider.System);
        missing.Watch(pod);
        var authorization = new InboundAuthorization(
            mesh, missing, options, NullLogger<InboundAuthorization>.Instance);
        Live = new LiveConnections(mesh, authorization, NullLogger<LiveConnections>.Instance);
        Hosts = HostTable.For(options, time, loggers);
        var memory = new MemoryBudget(options.ProcessMemory);
        var onDemand = new OnDemandMesh(mesh, demands: null, options.Network, options.ClusterId);
        Services = new ProxyServices(
            options,
            mesh,
            onDemand,
            Certificates,
            new TelemetryHub(new TrafficMetrics(_registry), new AccessLog(_log.Sink), TimeProvider.System),
            memory,
            new PodMetrics(PodRegistry, memory),
            loggers,
            time)
        {
            MissingPolicies = missing,
            Authorization = authorization,
            Live = Live,
            Named = new NamedDestinations(options, Hosts, new OnDemandDnsMetrics(_registry)),
        };
        Pod = new LocalPod(pod, mesh, onDemand, memory, netns: null);
    }

    public ProxyServices Services { get; }

    /// <summary>The metrics of pods, which are not in <see cref="ScrapeAsync"/>.</summary>
    public MetricsRegistry PodRegistry { get; } = new();

    public LocalPod Pod { get; }

    private ICertificateAuthority Authority { get; }

    private CertificateManager Certificates { get; }

    private LiveConnections Live { get; }

    private HostTable Hosts { get; }

    /// <summary>The access log; ends it.</summary>
    public string[] AccessLog() => _log.Lines();

    /// <summary>The metrics as text.</summary>
    public async Task<string> ScrapeAsync()
    {
        using var output = new MemoryStream();
        await _registry.WriteAsync(output, TestContext.Current.CancellationToken);
        return System.Text.Encoding.UTF8.GetString(output.ToArray());
    }

    public async ValueTask DisposeAsync()
    {
        await Live.DisposeAsync();
        await Hosts.DisposeAsync();
        await Certificates.DisposeAsync();
        Authority.Dispose();
        _log.Dispose();
    }
}
