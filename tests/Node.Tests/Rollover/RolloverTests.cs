using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Cni;
using Ztunnel.Demo;

namespace Node.Tests.Rollover;

/// <summary>
/// One version of the proxy after the other on a node, as a DaemonSet with <c>maxSurge: 1</c> does it, while pods go on making
/// connections and asking for names (node-integration 9.2).
/// </summary>
public sealed class RolloverTests
{
    private const int Rollovers = 50;
    private const int PerSecond = 500;
    private const int EchoPort = 7008;
    private const int ApplicationPort = 8080;
    private const int EachWay = 8;
    private const int DnsPort = 15053;
    private static readonly TimeSpan BetweenQueries = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task P3_FiftyRolloversUnderLoad_NoConnectionFailsAndNoQueryIsLost()
    {
        await using var topology = await Topology.CreateAsync(new TopologyOptions(), Token);
        var node = await topology.AddNodeAsync("near", Token);
        Pod[] proxies =
        [
            await topology.AddPodAsync(node, "ztunnel-a", Token), await topology.AddPodAsync(node, "ztunnel-b", Token),
        ];
        var client = await topology.AddPodAsync(node, "client", Token);
        var plain = await topology.AddPodAsync(await topology.AddNodeAsync("far", Token), "plain", Token);
        var path = Path.Combine(topology.Folder, "zds.sock");
        var mesh = Path.Combine(topology.Folder, "mesh.yaml");
        await File.WriteAllTextAsync(mesh, TestMesh.ToYaml(client, client, plain), Token);
        var environment = EnvironmentOf(topology, node, path, mesh);
        await using var agent = await CniServer.StartAsync(
            new CniServerOptions { Path = path, AcceptInterval = TimeSpan.FromMilliseconds(10) },
            TimeProvider.System,
            NullLogger<CniServer>.Instance,
            Token);
        await using var echoes = new Servers(plain, EchoPort);
        await using var applications = new Servers(client, ApplicationPort);
        var current = await StartAsync(proxies[0], environment);
        await WaitUntilAsync(current, () => agent.ConnectionCount == 1, "connects");
        await agent.AddAsync(new CniPod("uid-client", "client", "default", "client", client.OpenNetns()), Token);
        await client.CaptureAsync(Token);
        await WaitReadyAsync(proxies[0], current);

        await using var outbound = new NewConnections(client, Ports(plain.IPv4, EchoPort), PerSecond / 2);
        await using var inbound = new NewConnections(plain, Ports(client.IPv6!, ApplicationPort), PerSecond / 2);
        await using var names = new NameQueries(
            client, new IPEndPoint(IPAddress.Loopback, DnsPort), TestMesh.ServiceHostname, 2 * BetweenQueries);
        await using var namesOfIpv6 = new NameQueries(
            client, new IPEndPoint(IPAddress.IPv6Loopback, DnsPort), TestMesh.ServiceHostname, 2 * BetweenQueries);
        for (var i = 1; i <= Rollovers; i++)
        {
            var next = await StartAsync(proxies[i % 2], environment);
            await WaitReadyAsync(proxies[i % 2], next);
            await current.SignalAsync("TERM");
            Assert.Equal(0, await current.WaitForExitAsync(Token));
            await current.DisposeAsync();
            current = next;
        }

        await outbound.StopAsync();
        await inbound.StopAsync();
        await names.StopAsync();
        await namesOfIpv6.StopAsync();
        await current.StopAsync();
        Assert.InRange(outbound.Made + inbound.Made, PerSecond, int.MaxValue);
        Assert.Empty(outbound.Failures);
        Assert.Empty(inbound.Failures);
        Assert.InRange(names.Sent + namesOfIpv6.Sent, Rollovers, int.MaxValue);
        Assert.Empty(names.Failures);
        Assert.Empty(namesOfIpv6.Failures);
    }

    private static IEnumerable<IPEndPoint> Ports(IPAddress address, int first) =>
        Enumerable.Range(first, EachWay).Select(port => new IPEndPoint(address, port));

    private static Dictionary<string, string?> EnvironmentOf(Topology topology, TopologyNode node, string path, string mesh) => new()
    {
        ["INPOD_UDS"] = path,
        ["LOCAL_XDS_PATH"] = mesh,
        ["XDS_ADDRESS"] = "",
        ["FAKE_CA"] = "true",
        ["LOCAL_CA_DIR"] = Path.Combine(topology.Folder, "ca"),
        ["NODE_NAME"] = node.Name,
        ["RUST_LOG"] = "info,access=error",
        ["TERMINATION_GRACE_PERIOD_SECONDS"] = "30",
        ["ENABLE_ORIG_SRC"] = "true", // as without it, but no proxy would silently do without
    };

    private static Task<ChildProcess> StartAsync(Pod pod, Dictionary<string, string?> environment) => pod.Namespace.StartAsync(
        new ProcessSpec(ProxyBinary.Path, "proxy", "ztunnel") { Environment = environment, InheritEnvironment = false });

    private static async Task WaitReadyAsync(Pod pod, ChildProcess proxy)
    {
        var request = new ProcessSpec("curl", "-sS", "--max-time", "2", "http://127.0.0.1:15021/healthz/ready");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(Limit);
        while ((await pod.Namespace.RunAsync(request, limit.Token)).Output.Trim() != "ready")
        {
            Assert.False(proxy.HasExited, $"the proxy ended: {proxy.Error} {proxy.Output}");
            await Task.Delay(TimeSpan.FromMilliseconds(20), limit.Token);
        }
    }

    private static Task WaitUntilAsync(ChildProcess proxy, Func<bool> condition, string what) =>
        proxy.WaitUntilAsync(condition, what, Limit, Token);

    private sealed class Servers(Pod pod, int first) : IAsyncDisposable
    {
        private readonly PodServer[] _all =
        [
            .. Enumerable.Range(first, EachWay).Select(port => PodServer.Start(pod, port, PodServer.EchoTwiceAsync)),
        ];

        public async ValueTask DisposeAsync()
        {
            foreach (var server in _all)
            {
                await server.DisposeAsync();
            }
        }
    }
}
