using Hbone.Memory;
using Hbone.Proxying.Splicing;
using Hbone.Tls;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Admin;
using Ztunnel.Admin.Profiling;
using Ztunnel.Cli;
using Ztunnel.Config;
using Ztunnel.Dns;
using Ztunnel.Dns.Hosts;
using Ztunnel.Identity;
using Ztunnel.InPod;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Dump;
using Ztunnel.Mesh.Local;
using Ztunnel.Policy;
using Ztunnel.Proxy;
using Ztunnel.State;
using Ztunnel.Telemetry;
using Ztunnel.Xds;

namespace Ztunnel;

/// <summary>The running proxy. Its two methods read as the order of start and stop.</summary>
internal sealed class ProxyHost : IAsyncDisposable
{
    private const string StateTask = "state manager";
    private const string ProxyTask = "proxy";
    private const string DnsTask = "dns proxy";

    private readonly ProxyOptions _options;
    private readonly LogSink _log;
    private readonly ILogger<ProxyHost> _logger;
    private readonly CertificateManager _certificates;
    private readonly ICertificateAuthority _authority;
    private readonly CrlReloader? _crl;
    private readonly LiveConnections _live;
    private readonly TrafficExpiry? _expiry;
    private readonly HostTable _hosts;
    private readonly ProfilingEndpoints _profiling;
    private readonly PipePool? _pipes;
    private readonly IServedPods _pods;
    private readonly XdsClient? _xds;
    private readonly LastKnownState? _state;
    private readonly CancellationTokenSource _stopStarting = new();
    private readonly TaskCompletionSource _quit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private AdminServers? _admin;
    private Task _starting = Task.CompletedTask;

    private ProxyHost(
        ProxyOptions options,
        LogSink log,
        ILoggerFactory loggers,
        ICertificateAuthority authority,
        LocalMesh mesh,
        LastKnownState? state,
        ulong descriptorLimit)
    {
        _options = options;
        _log = log;
        _logger = loggers.CreateLogger<ProxyHost>();
        _authority = authority;
        var prefetches = options is { Mode: ProxyMode.Shared, NodeName: not null };
        _certificates = new CertificateManager(
            authority,
            TimeProvider.System,
            loggers.CreateLogger<CertificateManager>(),
            new CertificateManagerOptions { ResponseTimeout = options.CaResponseTimeout, RenewUnused = !prefetches });
        _state = state;
        var initial = mesh.ApplyTo(MeshSnapshot.Empty(options.NodeName));
        Mesh = new MeshState(state?.InitialMesh(initial) ?? initial, TimeProvider.System);
        if (prefetches)
        {
            Mesh.Observe(new LocalIdentityPrefetch(_certificates).Observe);
        }

        Metrics = new MetricsRegistry();
        ProcessMetrics.Add(Metrics, options.IstioVersion);
        RuntimeMetrics.Add(Metrics);
        RuntimeMetrics.Add(Metrics, log);
        CertificateMetrics.Add(Metrics, () => _certificates.Entries, TimeProvider.System);
        var traffic = new TrafficMetrics(Metrics, options.TrafficSeriesMax);
        traffic.AddLimitsTo(Metrics);
        var telemetry = new TelemetryHub(traffic, new AccessLog(log), TimeProvider.System)
        {
            ProgressInterval = options.AccessLogProgressInterval,
        };
        if (options.CrlPath is { } crlPath)
        {
            _crl = new CrlReloader(crlPath, TimeProvider.System, loggers.CreateLogger<CrlReloader>());
            CrlMetrics.Add(Metrics, _crl);
        }

        _xds = options.XdsAddress is null
            ? null
            : new XdsClient(options, Mesh, new XdsMetrics(Metrics), TimeProvider.System, loggers);
        if (_xds is not null && state is not null)
        {
            state.Attach(_xds, Mesh, loggers.CreateLogger<StateKeeper>());
            StateMetrics.Add(Metrics, state, TimeProvider.System);
        }

        var onDemand = new OnDemandMesh(Mesh, _xds?.Demands, options.Network, options.ClusterId);
        var memory = new MemoryBudget(options.ProcessMemory);
        _profiling = new ProfilingEndpoints(memory, TimeProvider.System);
        var missing = new MissingPolicies(Mesh, options.UnknownPolicyWait, TimeProvider.System);
        missing.AddTo(Metrics);
        var decisions = new PolicyDecisions();
        decisions.AddTo(Metrics);
        var authorization = new InboundAuthorization(
            Mesh, missing, options, loggers.CreateLogger<InboundAuthorization>())
        {
            Decisions = decisions,
        };
        if (options.TrafficSeriesExpiry is { } lifetime)
        {
            _expiry = new TrafficExpiry(traffic, Mesh, lifetime, TimeProvider.System, decisions);
        }

        _live = new LiveConnections(Mesh, authorization, loggers.CreateLogger<LiveConnections>());
        if (options.SpliceEnabled)
        {
            _pipes = new PipePool(
                SpliceMetrics.MostPipes(descriptorLimit), TimeProvider.System, _logger.CopiedInsteadOfSpliced);
            SpliceMetrics.Add(Metrics, _pipes);
        }

        _hosts = HostTable.For(options, TimeProvider.System, loggers);
        var services = new ProxyServices(
            options,
            Mesh,
            onDemand,
            _certificates,
            telemetry,
            memory,
            new PodMetrics(Metrics, memory),
            loggers,
            TimeProvider.System)
        {
            MissingPolicies = missing,
            Authorization = authorization,
            Live = _live,
            Named = new NamedDestinations(options, _hosts, new OnDemandDnsMetrics(Metrics)),
            Crl = _crl,
            Pipes = _pipes,
            Dns = options.DnsEnabled
                ? new DnsServices(options, Mesh, new DnsMetrics(Metrics), loggers, TimeProvider.System)
                : null,
        };
        services.Decisions.AddTo(Metrics);
        services.Failover.AddTo(Metrics);
        var shared = options.Mode == ProxyMode.Shared;
        Readiness = new ReadinessGate(
            TimeProvider.System,
            loggers.CreateLogger<ReadinessGate>(),
            [
                StateTask,
                ProxyTask,
                .. options.DnsEnabled ? [DnsTask] : Array.Empty<string>(),
                .. shared ? [NodePods.ReadinessTask] : Array.Empty<string>(),
            ]);
        _pods = shared
            ? new NodePods(services, Metrics, Readiness)
            : new DedicatedPod(services, options.DedicatedWorkload!);
        Dump = new ConfigDump(() => SectionsFor(Mesh.Current, mesh, missing));
    }

    private MeshState Mesh { get; }

    private MetricsRegistry Metrics { get; }

    private ReadinessGate Readiness { get; }

    private ConfigDump Dump { get; }

    /// <summary>Options, identity, state, listeners: everything up to being ready.</summary>
    /// <exception cref="ConfigurationException">Something is asked for that this machine cannot do.</exception>
    /// <exception cref="LocalMeshException">The local mesh cannot be read.</exception>
    /// <exception cref="IdentityException">The local CA cannot be used.</exception>
    /// <exception cref="ListenException">A port of the data path is taken.</exception>
    /// <exception cref="IOException">Another port is taken.</exception>
    public static async Task<ProxyHost> StartAsync(ProxyOptions options)
    {
        StartRequirements.RequireKeyExchange(options);
        var mesh = StartRequirements.ReadMesh(options);
        var log = new LogSink(
            StandardOutputStream.Open(),
            options.LogFormat,
            LogFilter.FromEnvironment(options.LogFilter),
            TimeProvider.System);
        var loggers = new LoggerFactory([log], new LoggerFilterOptions { MinLevel = LogLevel.Trace });
        ProxyHost? host = null;
        ICertificateAuthority? authority = null;
        try
        {
            var logger = loggers.CreateLogger<ProxyHost>();
            logger.Starting(VersionInfo.OfProcess().ToString());
            if (options.PostQuantumOnly)
            {
                logger.PostQuantumOnly(KeyExchange.LibraryVersion);
            }

            var (before, after) = FileDescriptorLimit.RaiseSoftToHard();
            logger.DescriptorLimit(before, after);
            logger.EffectiveConfiguration(ConfigDumpConfigWriter.LineOf(options));
            foreach (var warning in options.Warnings)
            {
                logger.ConfigurationWarning(warning);
            }

            authority = await StartRequirements.OpenAuthorityAsync(options, loggers);
            var state = LastKnownState.Load(
                options, mesh, TimeProvider.System, loggers.CreateLogger<LastKnownState>());
            host = new ProxyHost(options, log, loggers, authority, mesh, state, after);
            await host.OpenAsync(loggers);
            return host;
        }
        catch
        {
            if (host is not null)
            {
                await host.DisposeAsync();
            }
            else
            {
                authority?.Dispose();
                log.Dispose();
            }

            throw;
        }
    }

    /// <summary>Serves until a signal or <c>/quitquitquit</c>, then drains within the deadline.</summary>
    public async Task RunAsync()
    {
        using var signals = new StopSignals();
        await using var stop = signals.Stop.UnsafeRegister(
            static quit => ((TaskCompletionSource)quit!).TrySetResult(), _quit);
        await _quit.Task;
        signals.Begin();
        if (signals.Received is { } signal)
        {
            _logger.SignalReceived(signal);
        }
        else
        {
            _logger.ExplicitShutdown();
        }

        await StopStartingAsync();
        var drained = _pods.DrainAsync();
        var closed = CloseAdminAsync().AsTask(); // a slow reader of a page takes nothing from the time to drain
        try
        {
            await drained.WaitAsync(_options.ConnectionTerminationDeadline);
        }
        catch (TimeoutException)
        {
            _logger.DrainExpired();
            await _pods.ForceAsync();
            await drained;
        }

        await closed;
        _logger.ShutdownCompleted();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopStartingAsync();
        await CloseAdminAsync();
        if (_xds is { } xds)
        {
            await xds.DisposeAsync();
        }

        if (_state is { } state)
        {
            await state.DisposeAsync();
        }

        await _pods.DisposeAsync();
        await _live.DisposeAsync();
        _expiry?.Dispose();
        await _hosts.DisposeAsync();
        _pipes?.Dispose();
        _crl?.Dispose();
        await _certificates.DisposeAsync();
        _authority.Dispose();
        _stopStarting.Dispose();
        _log.Dispose();
    }

    private async Task OpenAsync(ILoggerFactory loggers)
    {
        _admin = await AdminServers.StartAsync(
            new AdminServerOptions
            {
                AdminPort = _options.AdminPort,
                StatsPort = _options.StatsPort,
                ReadinessPort = _options.ReadinessPort,
                Ipv6Enabled = _options.Ipv6Enabled,
            },
            new AdminRequestHandler(Dump, _log, _profiling, () => _quit.TrySetResult()),
            new StatsRequestHandler(Metrics),
            new ReadinessRequestHandler(Readiness),
            loggers.CreateLogger<AdminServers>(),
            CancellationToken.None);
        _xds?.Start();
        _pods.Open();
        _starting = ServeWhenMeshIsKnownAsync();
        Readiness.Complete(ProxyTask);
        Readiness.Complete(DnsTask);
    }

    // A connection that is accepted before would be judged by a mesh without its policies.
    private async Task ServeWhenMeshIsKnownAsync()
    {
        try
        {
            await WaitUntilMeshIsKnownAsync(_stopStarting.Token);
            _pods.StartAccepting();
            Readiness.Complete(StateTask);
            await (_state?.LogReplacementAsync(_stopStarting.Token) ?? Task.CompletedTask);
        }
        catch (OperationCanceledException) when (_stopStarting.IsCancellationRequested)
        {
            // Nobody waits any more.
        }
    }

    private Task WaitUntilMeshIsKnownAsync(CancellationToken cancellationToken) =>
        _state?.WaitUntilKnownAsync(cancellationToken)
        ?? _xds?.FirstSync.WaitAsync(cancellationToken)
        ?? Task.CompletedTask;

    private async Task StopStartingAsync()
    {
        await _stopStarting.CancelAsync();
        await _starting;
    }

    private async ValueTask CloseAdminAsync()
    {
        if (_admin is { } admin)
        {
            _admin = null;
            await admin.DisposeAsync();
        }
    }

    private ConfigDumpSection[] SectionsFor(MeshSnapshot snapshot, LocalMesh mesh, MissingPolicies missing) =>
    [
        ConfigDumpSection.Array("certificates", () => _certificates.Entries, CertificateDump.Write),
        ConfigDumpSection.Value("config", json => ConfigDumpConfigWriter.Write(json, _options)),
        ConfigDumpSection.Array("missingPolicies", missing.List, MissingPolicy.Write),
        MeshSections.Policies(snapshot),
        MeshSections.Services(snapshot),
        MeshSections.StagedServices(snapshot),
        .. _state is { } state ? [ConfigDumpSection.Value("stateSnapshot", state.WriteTo)] : Array.Empty<ConfigDumpSection>(),
        MeshSections.StaticConfig(mesh),
        ConfigDumpSection.Value("version", VersionInfo.OfProcess().WriteTo),
        .. _pods is NodePods node ? [node.DumpSection] : Array.Empty<ConfigDumpSection>(),
        MeshSections.Workloads(snapshot),
    ];
}
