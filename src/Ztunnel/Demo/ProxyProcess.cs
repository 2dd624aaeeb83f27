using System.Diagnostics;

namespace Ztunnel.Demo;

/// <summary>
/// A proxy process inside a pod's namespace: a pod of its own when it serves a node, the pod that it serves when it is
/// dedicated.
/// </summary>
internal sealed class ProxyProcess : IAsyncDisposable
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(20);

    private ProxyProcess(Pod pod, ChildProcess process) => (Pod, Process) = (pod, process);

    /// <summary>Where it runs.</summary>
    public Pod Pod { get; }

    /// <summary>The process itself.</summary>
    public ChildProcess Process { get; }

    /// <summary>Its log, access log included.</summary>
    public OutputLines Log => Process.Output;

    /// <summary>What it says about itself when it fails.</summary>
    public OutputLines Error => Process.Error;

    /// <summary>Whether it still runs.</summary>
    public bool IsRunning => !Process.HasExited;

    /// <summary>The variables by which a proxy takes its mesh and its certificates from files.</summary>
    /// <param name="meshFile">Workloads, services and policies.</param>
    /// <param name="authorityFolder">The CA that signs for all proxies of this mesh; created when missing.</param>
    public static Dictionary<string, string?> Files(string meshFile, string authorityFolder) => new()
    {
        ["LOCAL_XDS_PATH"] = meshFile,
        ["XDS_ADDRESS"] = "",
        ["FAKE_CA"] = "true",
        ["LOCAL_CA_DIR"] = authorityFolder,
    };

    /// <summary>The variables by which a proxy knows where it is.</summary>
    /// <param name="pod">Where it will run.</param>
    public static Dictionary<string, string?> Place(Pod pod) => new()
    {
        ["NODE_NAME"] = pod.Node.Name,
        ["CLUSTER_ID"] = "Kubernetes",
        ["INSTANCE_IP"] = pod.IPv4.ToString(),
        ["ISTIO_META_DNS_CAPTURE"] = "true",
        ["IPV6_ENABLED"] = pod.IPv6 is null ? "false" : "true",
    };

    /// <summary>Starts the proxy without waiting until it serves.</summary>
    /// <param name="pod">Where it runs.</param>
    /// <param name="binary">Its executable.</param>
    /// <param name="environment">All that it gets to know of its surroundings.</param>
    /// <param name="launcher">A command in front of the proxy's, such as one that takes rights away.</param>
    public static async Task<ProxyProcess> StartAsync(
        Pod pod, string binary, IReadOnlyDictionary<string, string?> environment, params IReadOnlyList<string> launcher)
    {
        var spec = new ProcessSpec([.. launcher, binary, "proxy", "ztunnel"])
        {
            Environment = environment,
            InheritEnvironment = false,
        };
        return new ProxyProcess(pod, await pod.Namespace.StartAsync(spec));
    }

    /// <summary>Waits until <c>15021/healthz/ready</c> answers 200.</summary>
    /// <exception cref="CommandException">It ended instead, or did not become ready within 20 seconds.</exception>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var answer = "";
        while (IsRunning && Stopwatch.GetElapsedTime(started) < ReadyLimit)
        {
            var spec = new ProcessSpec("curl", "-sS", "--max-time", "2", "http://127.0.0.1:15021/healthz/ready");
            var result = await Pod.Namespace.RunAsync(spec, cancellationToken);
            answer = $"{result.Output}{result.Error}";
            if (result.Output == "ready")
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }

        throw new CommandException(
            $"the proxy in {Pod.Name} {(IsRunning ? $"is not ready: {answer}" : "ended")}\n{Error}\n{Log}");
    }

    /// <summary>What Prometheus would see now.</summary>
    public async Task<MetricSample[]> ReadMetricsAsync(CancellationToken cancellationToken)
    {
        var spec = new ProcessSpec("curl", "-sS", "-f", "--max-time", "5", "http://127.0.0.1:15020/metrics");
        return MetricSample.Parse((await Pod.Namespace.RunAsync(spec, cancellationToken)).Succeeded().Output);
    }

    /// <summary>The first log line from position <paramref name="since"/> on that has all these parts.</summary>
    /// <exception cref="CheckFailedException">There was none within five seconds.</exception>
    public async Task<string> WaitForLogAsync(long since, CancellationToken cancellationToken, params string[] parts)
    {
        var line = await Log.FirstWithinAsync(
            line => parts.All(part => line.Contains(part, StringComparison.Ordinal)),
            since,
            TimeSpan.FromSeconds(5),
            cancellationToken);
        return line ?? throw new CheckFailedException(
            $"the log of the proxy in {Pod.Name} has no line with {string.Join(" and ", parts)}; "
            + $"the last one: {Log.Since(since).LastOrDefault()}");
    }

    /// <summary>Waits until it ends by itself. Its exit code.</summary>
    public Task<int> WaitForExitAsync(CancellationToken cancellationToken) =>
        Process.WaitForExitAsync(cancellationToken);

    /// <summary>SIGTERM, and the exit code that follows.</summary>
    public Task<int> StopAsync() => Process.StopAsync();

    /// <summary>Kills it.</summary>
    public ValueTask DisposeAsync() => Process.DisposeAsync();
}
