using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests.InPod;

/// <summary>The proxy's own pod as a peer of the mesh; node-integration 8, N21, data-path 13, E7.</summary>
[Collection<TwoNodesCollection>]
public sealed class OwnMetricsTests(TwoNodes nodes)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("near", AddressFamily.InterNetwork)]
    [InlineData("near", AddressFamily.InterNetworkV6)]
    [InlineData("far", AddressFamily.InterNetwork)]
    [InlineData("far", AddressFamily.InterNetworkV6)]
    public async Task N21_E7_A9_MetricsOfAProxy_AreReadByACapturedPodThroughTheTunnel(string name, AddressFamily family)
    {
        var node = name == "near" ? nodes.Near : nodes.Far;
        var since = node.Proxy.Process.Output.Count;
        (string, string)[] labels =
        [
            ("source_workload", "client"), ("destination_workload", node.ProxyPod.Pod.Name),
            ("destination_principal", node.ProxyPod.Identity), ("connection_security_policy", "mutual_tls"),
        ];
        var before = await node.Proxy.SumAsync("istio_tcp_connections_opened_total", Reported("destination"), Token);
        var host = node.ProxyPod.AddressOf(family);
        var url = family == AddressFamily.InterNetwork ? $"http://{host}:15020/metrics" : $"http://[{host}]:15020/metrics";

        var page = (await nodes.Client.Pod.Namespace.RunAsync(
            new ProcessSpec("curl", "-sS", "-f", "--max-time", "20", url), Token)).Succeeded().Output;

        Assert.Contains("istio_build{component=\"ztunnel\"", page, StringComparison.Ordinal);
        Assert.EndsWith("# EOF", page.TrimEnd(), StringComparison.Ordinal);
        var line = await node.Proxy.WaitForAccessAsync(
            since, line => line["direction"] == "inbound" && line["message"] == "connection complete", Token);
        Assert.Equal(node.ProxyPod.Identity, line["dst.identity"]);
        Assert.Equal(nodes.Client.Identity, line["src.identity"]);
        Assert.Equal(
            before + 1, await node.Proxy.SumAsync("istio_tcp_connections_opened_total", Reported("destination"), Token));

        (string, string)[] Reported(string reporter) => [("reporter", reporter), .. labels];
    }
}
