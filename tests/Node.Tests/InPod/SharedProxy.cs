using System.Text.Json.Nodes;
using Ztunnel.Demo;

namespace Node.Tests.InPod;

/// <summary>A proxy process of a node (<c>PROXY_MODE</c> unset), in the namespace of the node or of its own pod.</summary>
internal sealed class SharedProxy(NetworkNamespace network, ChildProcess process)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    public ChildProcess Process { get; } = process;

    /// <summary>The environment of a proxy that takes its mesh and its certificates from files and logs JSON.</summary>
    public static Dictionary<string, string?> EnvironmentOf(
        string agentPath, string meshFile, string authorityFolder, string nodeName) => new()
        {
            ["INPOD_UDS"] = agentPath,
            ["LOCAL_XDS_PATH"] = meshFile,
            ["XDS_ADDRESS"] = "",
            ["FAKE_CA"] = "true",
            ["LOCAL_CA_DIR"] = authorityFolder,
            ["NODE_NAME"] = nodeName,
            ["CLUSTER_ID"] = "Kubernetes",
            ["ISTIO_META_DNS_CAPTURE"] = "false",
            ["LOG_FORMAT"] = "json",
        };

    /// <param name="network">Where it runs.</param>
    /// <param name="environment">All of it.</param>
    /// <param name="launcher">A command in front of the proxy's, such as one that takes rights away.</param>
    public static async Task<SharedProxy> StartAsync(
        NetworkNamespace network, IReadOnlyDictionary<string, string?> environment, params string[] launcher)
    {
        var spec = new ProcessSpec([.. launcher, ProxyBinary.Path, "proxy", "ztunnel"])
        {
            InheritEnvironment = false,
            Environment = environment,
        };
        return new SharedProxy(network, await network.StartAsync(spec));
    }

    /// <summary>Status and body of a page.</summary>
    public async Task<(int Status, string Body)> GetAsync(int port, string path, CancellationToken cancellationToken)
    {
        var url = FormattableString.Invariant($"http://127.0.0.1:{port}{path}");
        var spec = new ProcessSpec("curl", "-sS", "--max-time", "5", "-w", "\n%{http_code}", url);
        var output = (await network.RunAsync(spec, cancellationToken)).Succeeded().Output;
        var end = output.TrimEnd().LastIndexOf('\n');
        return (int.Parse(output[(end + 1)..], System.Globalization.CultureInfo.InvariantCulture), output[..end]);
    }

    public async Task<string> ReadyAsync(CancellationToken cancellationToken) =>
        await GetAsync(15021, "/healthz/ready", cancellationToken) is (var status, var body) ? $"{status} {body}" : "";

    /// <summary>Waits until the readiness page says this.</summary>
    public async Task WaitForReadyAsync(string expected, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var answer = "";
            try
            {
                answer = await ReadyAsync(cancellationToken);
                if (answer.StartsWith(expected, StringComparison.Ordinal))
                {
                    return;
                }
            }
            catch (CommandException)
            {
                // Not listening yet.
            }

            Assert.True(
                TimeProvider.System.GetElapsedTime(started) < Limit, $"{answer}\n{Process.Error}\n{Process.Output}");
            await Task.Delay(20, cancellationToken);
        }
    }

    public async Task<string> MetricsPageAsync(CancellationToken cancellationToken) =>
        (await GetAsync(15020, "/metrics", cancellationToken)).Body;

    public async Task<double> SumAsync(
        string metric, (string, string)[] labels, CancellationToken cancellationToken) =>
        MetricSample.Parse(await MetricsPageAsync(cancellationToken))
            .Where(sample => sample.Name == metric && sample.Has(labels))
            .Sum(sample => sample.Value);

    /// <summary>The first access line from a log position on that fits; fails the test with what came instead.</summary>
    public async Task<AccessLine> WaitForAccessAsync(
        long since, Func<AccessLine, bool> fits, CancellationToken cancellationToken)
    {
        var line = await Process.Output.FirstWithinAsync(
            text => AccessLine.Parse(text) is { } access && fits(access), since, Limit, cancellationToken);
        Assert.True(line is not null, $"no such access line. There was:\n{string.Join('\n', Process.Output.Since(since))}");
        return AccessLine.Parse(line)!;
    }

    public async Task<JsonNode> ConfigDumpAsync(CancellationToken cancellationToken) =>
        JsonNode.Parse((await GetAsync(15000, "/config_dump", cancellationToken)).Body)!;

    /// <summary>What the process's descriptors are, as their links say.</summary>
    public string[] Descriptors()
    {
        var folder = FormattableString.Invariant($"/proc/{Process.Id}/fd");
        var targets = new List<string>();
        foreach (var path in Directory.EnumerateFileSystemEntries(folder))
        {
            try
            {
                targets.Add(new FileInfo(path).LinkTarget ?? "");
            }
            catch (IOException)
            {
                // Closed meanwhile.
            }
        }

        return [.. targets];
    }
}
