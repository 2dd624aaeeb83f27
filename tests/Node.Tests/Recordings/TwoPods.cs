using System.Net;
using Fixtures;
using Ztunnel.Demo;
using Ztunnel.Mesh;

namespace Node.Tests.Recordings;

/// <summary>
/// The two pods that the recordings were made in, on one link: <c>a</c>, 10.77.0.1 and fd77::1, identity default/a, and
/// <c>b</c>, 10.77.0.2 and fd77::2, identity shop/b. The mesh is <c>fixtures/mesh/twopods.yaml</c>. Every other address
/// counts as on the link too, so nobody answers there.
/// </summary>
internal sealed class TwoPods : IAsyncDisposable
{
    private readonly Topology _topology;

    private TwoPods(Topology topology, Pod a, Pod b) => (_topology, A, B) = (topology, a, b);

    public Pod A { get; }

    public Pod B { get; }

    /// <summary>The CA of all proxies and peers.</summary>
    public string AuthorityFolder => Path.Combine(_topology.Folder, "ca");

    public static async Task<TwoPods> CreateAsync(CancellationToken cancellationToken)
    {
        var topology = await Topology.CreateAsync(new TopologyOptions(), cancellationToken);
        try
        {
            // A node's namespace has a wire to the switch, which is all that these pods need.
            var nodeA = await topology.AddNodeAsync("node-a", cancellationToken);
            var nodeB = await topology.AddNodeAsync("node-b", cancellationToken);
            return new TwoPods(
                topology,
                await AddressAsync("a", nodeA, 1, cancellationToken),
                await AddressAsync("b", nodeB, 2, cancellationToken));
        }
        catch
        {
            await topology.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the proxy of a pod, waits until it serves, and redirects the pod to it.</summary>
    public async Task<ProxyProcess> CaptureAsync(
        Pod pod, WorkloadInfo workload, string logFormat, CancellationToken cancellationToken)
    {
        var variables = ProxyProcess.Files(Fixture.PathOf("mesh", "twopods.yaml"), AuthorityFolder);
        variables["CLUSTER_ID"] = "cluster1";
        variables["LOG_FORMAT"] = logFormat;
        variables["ISTIO_META_DNS_CAPTURE"] = "false";
        var proxy = await DedicatedProxy.StartAsync(pod, workload, variables);
        await proxy.WaitUntilReadyAsync(cancellationToken);
        await pod.CaptureAsync(cancellationToken);
        return proxy;
    }

    public ValueTask DisposeAsync() => _topology.DisposeAsync();

    private static async Task<Pod> AddressAsync(
        string name, TopologyNode node, int number, CancellationToken cancellationToken)
    {
        var ipv4 = IPAddress.Parse(FormattableString.Invariant($"10.77.0.{number}"));
        var ipv6 = IPAddress.Parse(FormattableString.Invariant($"fd77::{number}"));
        await node.Namespace.IpAsync(
            [
                "address flush dev eth0",
                $"address add {ipv4}/24 dev eth0",
                $"address add {ipv6}/64 dev eth0 nodad",
                $"route add default dev eth0 src {ipv4}",
                $"route add ::/0 dev eth0 src {ipv6}",
            ],
            cancellationToken);
        return new Pod(name, node, node.Namespace, ipv4, ipv6);
    }
}
