using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Admin;
using Ztunnel.Config;
using Ztunnel.InPod;
using Ztunnel.Mesh;
using Ztunnel.Telemetry;
using Ztunnel.Tests.Identity;
using Ztunnel.Tests.Proxy;
using ManualTime = Fixtures.ManualTime;

namespace Ztunnel.Tests.InPod;

/// <summary>All pods of a node in this process, connected to an agent of the test, with a clock that stands still.</summary>
internal sealed class NodeFixture : IAsyncDisposable
{
    private readonly PodServices _services;
    private readonly MetricsRegistry _registry = new();
    private readonly ReadinessGate _readiness;
    private bool _disposed;

    /// <param name="agent">Where to connect to; another's to dispose.</param>
    /// <param name="options">Of the proxy; its socket is the agent's unless <paramref name="path"/> says another.</param>
    /// <param name="path">A socket instead of the agent's.</param>
    public NodeFixture(ScriptedAgent agent, ProxyOptions? options = null, string? path = null)
    {
        Agent = agent;
        var mesh = new MeshState(MeshSnapshot.Empty("node"), TimeProvider.System);
        _services = new PodServices(
            mesh,
            new WorkloadInfo("pod", "default", "sa"),
            (options ?? new ProxyOptions()) with { InPodSocketPath = path ?? agent.Path },
            new FakeAuthority(),
            Log,
            Time);
        _readiness = new ReadinessGate(Time, NullLogger<ReadinessGate>.Instance, NodePods.ReadinessTask);
        Pods = new NodePods(_services.Services, _registry, _readiness);
    }

    public ScriptedAgent Agent { get; }

    public ManualTime Time { get; } = new();

    public CategoryLoggers Log { get; } = new();

    public NodePods Pods { get; }

    public bool IsReady => _readiness.Pending.Count == 0;

    /// <summary>Starts everything and reads the hello.</summary>
    public async Task<AgentConnection> OpenAsync()
    {
        Pods.Open();
        Pods.StartAccepting();
        return await AcceptAsync();
    }

    /// <summary>Waits until the proxy connects, and reads the hello.</summary>
    /// <param name="step">How time passes by meanwhile; null for slowly, so that no pod is tried again.</param>
    public async Task<AgentConnection> AcceptAsync(TimeSpan? step = null)
    {
        var connection = await AcceptSilentlyAsync(step ?? TimeSpan.FromMilliseconds(10));
        await connection.ReadHelloAsync();
        return connection;
    }

    /// <summary>As above, the hello not read.</summary>
    public async Task<AgentConnection> AcceptSilentlyAsync(TimeSpan step)
    {
        var accepted = Agent.AcceptAsync();
        while (!accepted.IsCompleted)
        {
            Time.Advance(step);
            await Task.WhenAny(accepted, Task.Delay(1, TestContext.Current.CancellationToken));
        }

        return await accepted;
    }

    /// <summary>A sample of one pod of namespace default.</summary>
    public long PodSample(string sample, string pod)
    {
        using var output = new MemoryStream();
        _services.PodRegistry.WriteAsync(output, CancellationToken.None).GetAwaiter().GetResult();
        return NumberAfter(Encoding.UTF8.GetString(output.ToArray()), $"{sample}{{enrolled_pod=\"default/{pod}\"}}");
    }

    /// <summary>A sample without labels.</summary>
    public async Task<long> MetricAsync(string sample)
    {
        using var output = new MemoryStream();
        await _registry.WriteAsync(output, TestContext.Current.CancellationToken);
        return NumberAfter(Encoding.UTF8.GetString(output.ToArray()), sample);
    }

    /// <summary>Active, pending, ever started and ever stopped.</summary>
    public async Task<(long Active, long Pending, long Started, long Stopped)> CountsAsync() => (
        await MetricAsync("workload_manager_active_proxy_count"),
        await MetricAsync("workload_manager_pending_proxy_count"),
        await MetricAsync("workload_manager_proxies_started_total"),
        await MetricAsync("workload_manager_proxies_stopped_total"));

    /// <summary>The member of the config dump.</summary>
    public async Task<JsonObject> DumpAsync()
    {
        using var output = new MemoryStream();
        await new ConfigDump(() => [Pods.DumpSection]).WriteAsync(output, TestContext.Current.CancellationToken);
        return JsonNode.Parse(output.ToArray())!["workloadState"]!.AsObject();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_disposed)
        {
            _disposed = true;
            await Pods.DisposeAsync();
            await _services.DisposeAsync();
        }
    }

    private static long NumberAfter(string page, string sample)
    {
        var line = page.Split('\n').Single(line => line.StartsWith($"{sample} ", StringComparison.Ordinal));
        return long.Parse(line[(sample.Length + 1)..], CultureInfo.InvariantCulture);
    }
}
