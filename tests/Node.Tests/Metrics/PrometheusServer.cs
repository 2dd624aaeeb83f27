using System.Text.Json.Nodes;
using Node.Tests.InPod;
using Ztunnel.Demo;

namespace Node.Tests.Metrics;

/// <summary>A Prometheus that scrapes the proxies of nodes as a cluster's does, on loopback of a pod's namespace.</summary>
internal sealed class PrometheusServer : IAsyncDisposable
{
    private const string Program = "/usr/bin/prometheus";
    private const int Port = 9090;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private readonly Pod _pod;
    private readonly ChildProcess _process;

    private PrometheusServer(Pod pod, ChildProcess process) => (_pod, _process) = (pod, process);

    /// <summary>Starts it and waits until it answers.</summary>
    /// <param name="pod">Where it runs; not captured.</param>
    /// <param name="folder">For its files; made.</param>
    /// <param name="proxies">Pods of the proxies, whose labels become those of the series.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public static async Task<PrometheusServer> StartAsync(
        Pod pod, string folder, IEnumerable<MeshPod> proxies, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var configuration = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(configuration, ConfigurationFor(proxies), cancellationToken);
        var process = await pod.Namespace.StartAsync(new ProcessSpec(
            Program,
            $"--config.file={configuration}",
            $"--storage.tsdb.path={Path.Combine(folder, "data")}",
            FormattableString.Invariant($"--web.listen-address=127.0.0.1:{Port}"),
            "--log.level=warn"));
        try
        {
            await process.WaitForListenerAsync(Port, StartLimit, cancellationToken);
            return new PrometheusServer(pod, process);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>What an instant query gives: one element for each series.</summary>
    public async Task<JsonArray> QueryAsync(string query, CancellationToken cancellationToken)
    {
        var spec = new ProcessSpec(
            "curl", "-sS", "--fail-with-body", "--max-time", "10", "-G", "--data-urlencode", $"query={query}",
            FormattableString.Invariant($"http://127.0.0.1:{Port}/api/v1/query"));
        var answer = JsonNode.Parse((await _pod.Namespace.RunAsync(spec, cancellationToken)).Succeeded().Output)!;
        Assert.Equal("success", answer["status"]!.GetValue<string>());
        return answer["data"]!["result"]!.AsArray();
    }

    public async ValueTask DisposeAsync()
    {
        await _process.StopAsync();
        await _process.DisposeAsync();
    }

    private static string ConfigurationFor(IEnumerable<MeshPod> proxies) =>
        $"""
        global:
          scrape_interval: 1s
          scrape_timeout: 1s
        scrape_configs:
        - job_name: kubernetes-pods
          metrics_path: /metrics
          static_configs:
        {string.Join('\n', proxies.Select(TargetOf))}

        """;

    private static string TargetOf(MeshPod proxy) =>
        $"""
          - targets: ["{proxy.Pod.IPv4}:15020"]
            labels:
              app: ztunnel
              namespace: {proxy.Namespace}
              pod: {proxy.Pod.Name}
        """;
}
