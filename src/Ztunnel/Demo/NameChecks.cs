using static Ztunnel.Demo.DemoMesh;

namespace Ztunnel.Demo;

/// <summary>Names, which the client's resolver asks the cluster's name server for, and its proxy answers.</summary>
internal static class NameChecks
{
    /// <summary>In the order in which they are shown.</summary>
    public static IEnumerable<DemoCheck> All { get; } =
    [
        new("curl to nginx, by a name of the mesh", AnswerAsync),
        new("a name that the mesh does not know is forwarded", ForwardAsync),
        new("a name that nobody knows does not exist", RefuseAsync),
    ];

    private static async Task<string> AnswerAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        var asked = cluster.Names.Answered;
        await FetchAsync(cluster, $"http://{ServiceHostname}/", cancellationToken);
        return cluster.Names.Answered == asked
            ? $"{ServiceHostname}, by the proxy alone"
            : throw new CheckFailedException($"the proxy asked for {ServiceHostname} instead of answering");
    }

    private static async Task<string> ForwardAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        var (asked, forwarded) = (cluster.Names.Answered, await ForwardedAsync());
        await FetchAsync(cluster, FormattableString.Invariant($"http://{OutsideHostname}:{WebPort}/"), cancellationToken);
        return cluster.Names.Answered > asked && await ForwardedAsync() > forwarded
            ? $"{OutsideHostname} is {cluster.Plain.IPv4}"
            : throw new CheckFailedException($"{OutsideHostname} was resolved, but not by way of the proxy");

        async Task<double> ForwardedAsync() => TelemetryChecks.Sum(
            await cluster.ClientProxy.ReadMetricsAsync(cancellationToken), "istio_dns_upstream_requests_total");
    }

    private static async Task<string> RefuseAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        const int CannotResolve = 6; // curl(1)
        const string Nobody = "nobody.example.com";
        var asked = cluster.Names.Answered;
        var result = await WebChecks.CurlAsync(cluster.Client, $"http://{Nobody}/", cancellationToken);
        return result.ExitCode == CannotResolve && cluster.Names.Answered > asked
            ? Nobody
            : throw new CheckFailedException($"curl ended with {result.ExitCode}: {result.Output}{result.Error}");
    }

    private static async Task FetchAsync(DemoCluster cluster, string url, CancellationToken cancellationToken)
    {
        var page = (await WebChecks.CurlAsync(cluster.Client, url, cancellationToken)).Succeeded().Output;
        if (page != "hello from nginx")
        {
            throw new CheckFailedException($"nginx said {page}");
        }
    }
}
