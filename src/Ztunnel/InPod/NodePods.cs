using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Admin;
using Ztunnel.Config;
using Ztunnel.Proxy;
using Ztunnel.Telemetry;

namespace Ztunnel.InPod;

/// <summary>All enrolled pods of the node, as istio-cni names them, and the proxy's own.</summary>
internal sealed class NodePods : IServedPods
{
    /// <summary>What the process waits for in readiness.</summary>
    public const string ReadinessTask = "workload proxy manager";

    private readonly PodSet _pods;
    private readonly ZdsClient _client;
    private readonly VanishedPods _vanished;
    private readonly MemoryTrim _memory;
    private readonly Drain _ownDrain = new();
    private readonly PodProxy? _own;

    /// <summary>Binds the proxy's own listener; everything else begins with <see cref="Open"/>.</summary>
    /// <param name="services">What all pods share.</param>
    /// <param name="registry">Where the metrics go.</param>
    /// <param name="readiness">Told when all pods are served, and when they are not.</param>
    /// <exception cref="ListenException">The port is taken.</exception>
    /// <exception cref="ConfigurationException">The process lacks a privilege that pods need.</exception>
    public NodePods(ProxyServices services, MetricsRegistry registry, ReadinessGate readiness)
    {
        var options = services.Options;
        RequirePrivileges(options.PacketMark);
        var loggers = services.Loggers;
        _pods = new PodSet(
            (info, netns, drain) => PodProxy.Bind(services, info, drain, netns),
            services.Time,
            loggers.CreateLogger<PodSet>());
        _pods.CompleteChanged += complete => Tell(readiness, complete);
        _memory = new MemoryTrim(services.Time, ProcessMemory.Collect, ProcessMemory.GiveBack);
        _memory.AddTo(registry);
        _pods.PodGone += _memory.PodGone;
        _client = new ZdsClient(options.InPodSocketPath, _pods, services.Time, loggers.CreateLogger<ZdsClient>());
        _client.Metrics.AddTo(registry, _pods);
        _vanished = new VanishedPods(_pods, services.Time, loggers.CreateLogger<VanishedPods>());
        _own = options.OwnWorkload is { } own ? PodProxy.BindOwn(services, own, _ownDrain) : null;
    }

    /// <summary>The pods as a member of the config dump.</summary>
    public ConfigDumpSection DumpSection => ConfigDumpSection.Object("workloadState", () => PodDump.Of(_pods), PodDump.StepsOf);

    /// <inheritdoc/>
    public void Open() => _client.Start();

    /// <inheritdoc/>
    public void StartAccepting()
    {
        _own?.Start();
        _pods.StartAccepting();
    }

    /// <inheritdoc/>
    public async Task DrainAsync()
    {
        await _ownDrain.StartAsync();
        await Task.WhenAll(
            _pods.DrainAsync(), _own?.WhenDrainedAsync() ?? Task.CompletedTask);
    }

    /// <inheritdoc/>
    public async Task ForceAsync()
    {
        await _ownDrain.ForceAsync();
        await _pods.ForceAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        _vanished.Dispose();
        await _pods.DisposeAsync();
        if (_own is { } own)
        {
            await own.DisposeAsync();
        }

        _memory.Dispose();
        _ownDrain.Dispose();
    }

    private static void Tell(ReadinessGate readiness, bool complete)
    {
        if (complete)
        {
            readiness.Complete(ReadinessTask);
        }
        else
        {
            readiness.Begin(ReadinessTask);
        }
    }

    // Better at the start than at the first pod.
    private static void RequirePrivileges(uint? mark)
    {
        try
        {
            using var own = Netns.OpenCurrent();
            using var socket = own.CreateTcpSocket(AddressFamily.InterNetwork);
            if (mark is { } value && !socket.TrySetMark(value, out var error))
            {
                throw new ConfigurationException(
                    "PACKET_MARK", $"cannot set SO_MARK {value}, which needs CAP_NET_ADMIN or CAP_NET_RAW: {error}");
            }
        }
        catch (IOException e)
        {
            throw new ConfigurationException(
                "PROXY_MODE", $"cannot enter a network namespace, which needs CAP_SYS_ADMIN: {e.Message}");
        }
    }
}
