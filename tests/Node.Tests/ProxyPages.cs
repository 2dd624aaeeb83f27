using System.Text.Json.Nodes;
using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>What tests read of a proxy: its pages and its descriptors.</summary>
internal static class ProxyPages
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>Status and body of a page.</summary>
    public static async Task<(int Status, string Body)> GetAsync(
        this ProxyProcess proxy, int port, string path, CancellationToken cancellationToken)
    {
        var url = FormattableString.Invariant($"http://127.0.0.1:{port}{path}");
        var spec = new ProcessSpec("curl", "-sS", "--max-time", "5", "-w", "\n%{http_code}", url);
        var output = (await proxy.Pod.Namespace.RunAsync(spec, cancellationToken)).Succeeded().Output;
        var end = output.TrimEnd().LastIndexOf('\n');
        return (int.Parse(output[(end + 1)..], System.Globalization.CultureInfo.InvariantCulture), output[..end]);
    }

    public static async Task<string> ReadyAsync(this ProxyProcess proxy, CancellationToken cancellationToken) =>
        await proxy.GetAsync(15021, "/healthz/ready", cancellationToken) is (var status, var body) ? $"{status} {body}" : "";

    /// <summary>Waits until the readiness page says this.</summary>
    public static async Task WaitForReadyAsync(
        this ProxyProcess proxy, string expected, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var answer = "";
            try
            {
                answer = await proxy.ReadyAsync(cancellationToken);
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
                TimeProvider.System.GetElapsedTime(started) < Limit, $"{answer}\n{proxy.Process.Error}\n{proxy.Process.Output}");
            await Task.Delay(20, cancellationToken);
        }
    }

    public static async Task<string> MetricsPageAsync(this ProxyProcess proxy, CancellationToken cancellationToken) =>
        (await proxy.GetAsync(15020, "/metrics", cancellationToken)).Body;

    public static async Task<double> SumAsync(
        this ProxyProcess proxy, string metric, (string, string)[] labels, CancellationToken cancellationToken) =>
        MetricSample.Parse(await proxy.MetricsPageAsync(cancellationToken))
            .Where(sample => sample.Name == metric && sample.Has(labels))
            .Sum(sample => sample.Value);

    public static async Task<JsonNode> ConfigDumpAsync(this ProxyProcess proxy, CancellationToken cancellationToken) =>
        JsonNode.Parse((await proxy.GetAsync(15000, "/config_dump", cancellationToken)).Body)!;

    /// <summary>What the process's descriptors are, as their links say.</summary>
    public static string[] Descriptors(this ProxyProcess proxy)
    {
        var folder = FormattableString.Invariant($"/proc/{proxy.Process.Id}/fd");
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
