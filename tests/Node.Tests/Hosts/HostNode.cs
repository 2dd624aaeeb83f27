using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Node.Tests.Networks;
using Node.Tests.Routes;
using Ztunnel.Demo;
using Ztunnel.Tests.InPod;

namespace Node.Tests.Hosts;

/// <summary>
/// A proxy whose own name server, dnsmasq, knows where workloads are that have no address. Client and server are captured;
/// waypoint, gateway and peer are none of ours.
/// </summary>
public sealed class HostNode : IAsyncLifetime
{
    /// <summary>The client's namespace has no way there.</summary>
    public const string NoWay = "10.77.0.1";

    /// <inheritdoc cref="NoWay"/>
    public const string NoWay6 = "fd77::1";

    /// <summary>Its router says that nobody is there.</summary>
    public const string Nobody = "10.78.0.1";

    /// <summary>Of which nothing ever comes back.</summary>
    public const string Blackhole = "10.79.0.1";

    /// <summary>Where the client may not go.</summary>
    public const string Prohibited = "10.80.0.1";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly ScriptedAgent _agent = new();
    private Topology? _topology;
    private AgentConnection? _connection;

    internal Pod Client { get; private set; } = null!;

    internal Pod Server { get; private set; } = null!;

    internal Pod Plain { get; private set; } = null!;

    internal Pod WaypointPod { get; private set; } = null!;

    internal Pod GatewayPod { get; private set; } = null!;

    internal ProxyProcess Proxy { get; private set; } = null!;

    internal NodePeer Gateway { get; private set; } = null!;

    internal NodePeer Peer { get; private set; } = null!;

    private string AuthorityFolder => Path.Combine(_topology!.Folder, "ca");

    public async ValueTask InitializeAsync()
    {
        var token = CancellationToken.None;
        _topology = await Topology.CreateAsync(new TopologyOptions(), token);
        try
        {
            var node = await _topology.AddNodeAsync("near", token);
            Client = await _topology.AddPodAsync(node, "client", token);
            Server = await _topology.AddPodAsync(node, "server", token);
            Plain = await _topology.AddPodAsync(node, "plain", token);
            WaypointPod = await _topology.AddPodAsync(node, "waypoint", token);
            GatewayPod = await _topology.AddPodAsync(node, "gateway", token);
            var peer = await _topology.AddPodAsync(node, "peer", token);
            await node.Namespace.IpAsync([$"route add blackhole {Blackhole}/32"], token);
            await Client.Namespace.IpAsync(
                [
                    $"route add throw {NoWay}/32",
                    $"route add throw {NoWay6}/128",
                    $"route add unreachable {Nobody}/32",
                    $"route add prohibit {Prohibited}/32",
                ],
                token);
            await StartNameServerAsync(node, token);
            await StartProxyAsync(node, token);
            await StartPeersAsync(peer, token);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _connection?.Dispose();
        _agent.Dispose();
        if (_topology is not null)
        {
            await _topology.DisposeAsync();
        }
    }

    internal static IPAddress VipOf(string service, AddressFamily family) => family == AddressFamily.InterNetwork
        ? AddressPlan.Service4(HostMesh.Services[service])
        : AddressPlan.Service6(HostMesh.Services[service]);

    internal async Task<DialledSocket> DialAsync(string service, AddressFamily family, CancellationToken cancellationToken)
    {
        var since = Proxy.Process.Output.Count;
        return new(
            await Client.ConnectAsync(VipOf(service, family), HostMesh.Port, cancellationToken), Proxy.Process.Output, since);
    }

    /// <summary>How often the client needed an address of that name.</summary>
    internal Task<double> CountAsync(string hostname, CancellationToken cancellationToken) => Proxy.SumAsync(
        "istio_on_demand_dns_total",
        [
            ("hostname", hostname), ("source_workload", "client"), ("source_workload_namespace", "shop"),
            ("source_principal", "spiffe://cluster.local/ns/shop/sa/client"), ("source_app", "client"),
            ("source_version", "v1"), ("source_canonical_service", "client"), ("source_canonical_revision", "v1"),
            ("source_cluster", "Kubernetes"),
        ],
        cancellationToken);

    private async Task StartNameServerAsync(TopologyNode node, CancellationToken token)
    {
        static string Record(string name, params object?[] addresses) =>
            $"--host-record={name}.example.com,{string.Join(',', addresses)}";
        var server = await node.Namespace.StartAsync(new ProcessSpec(
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces",
            $"--listen-address={AddressPlan.Node4(1)}", "--pid-file=", "--user=root", "--log-facility=-",
            "--local=/example.com/", "--local-ttl=300",
            Record("plain", Plain.IPv4, Plain.IPv6),
            Record("tunnelled", Server.IPv4, Server.IPv6),
            Record("late", Blackhole),
            Record("only6", Plain.IPv6),
            Record("waypoint", WaypointPod.IPv4, WaypointPod.IPv6),
            Record("gateway", GatewayPod.IPv4, GatewayPod.IPv6),
            "--txt-record=empty.example.com,nothing",

            // For names that applications ask for.
            Record("no-way-4", NoWay, Plain.IPv6),
            Record("no-way-6", Plain.IPv4, NoWay6),
            Record("late-4", Blackhole, Plain.IPv6),
            Record("no-way-at-all", NoWay, NoWay6)));
        var isReady = await server.Error.FirstWithinAsync(
            line => line.Contains("started", StringComparison.Ordinal), since: 0, Limit, token) is not null;
        Assert.True(isReady, $"dnsmasq has ended: {server.Error}");
    }

    private async Task StartProxyAsync(TopologyNode node, CancellationToken token)
    {
        var meshFile = Path.Combine(_topology!.Folder, "mesh.yaml");
        await File.WriteAllTextAsync(meshFile, HostMesh.ToYaml(Client, Server), token);
        var resolverFile = Path.Combine(_topology.Folder, "resolv.conf");
        await File.WriteAllTextAsync(resolverFile, $"nameserver {AddressPlan.Node4(1)}\n", token);
        var environment = ProxyProcess.Files(meshFile, AuthorityFolder);
        environment["INPOD_UDS"] = _agent.Path;
        environment["NODE_NAME"] = node.Name;
        environment["CLUSTER_ID"] = "Kubernetes";
        environment["LOG_FORMAT"] = "json";
        environment["ISTIO_META_DNS_CAPTURE"] = "true";
        environment["UNSTABLE_ENABLE_SOCKS5"] = "true";
        environment["HBONE_CONNECT_TIMEOUT"] = "2s";
        Proxy = await ProxyProcess.StartAsync(
            node.Host,
            ProxyBinary.Path,
            environment,
            "/usr/bin/unshare", "--mount", "/bin/sh", "-c", "/bin/mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"",
            resolverFile);
        _connection = await _agent.AcceptAsync();
        await _connection.ReadHelloAsync();
        foreach (var pod in new[] { Client, Server })
        {
            using var netns = File.OpenHandle(pod.Namespace.Path);
            var add = AgentConnection.AddBytes($"uid-{pod.Name}", pod.Name, "shop", pod.Name);
            Assert.Empty(await _connection.AskAsync(add, netns));
        }

        Assert.Empty(await _connection.SnapshotAsync());
        await Proxy.WaitForReadyAsync("200", token);
        await Client.CaptureAsync(token);
        await Server.CaptureAsync(token);
    }

    private async Task StartPeersAsync(Pod peer, CancellationToken token)
    {
        await WaypointPeer.StartAsync(
            WaypointPod,
            CertificateFiles.Issue(AuthorityFolder, HostMesh.WaypointIdentity),
            new JsonObject
            {
                [$"{VipOf("via", AddressFamily.InterNetwork)}"] = $"{Server.IPv4}",
                [$"{VipOf("via", AddressFamily.InterNetworkV6)}"] = $"{Server.IPv6}",
            },
            new JsonObject { ["80"] = TestMesh.EchoPort },
            token);
        Gateway = await StartAsync(GatewayPod, "gateway.mjs", "gateway", new()
        {
            ["routes"] = new JsonObject
            {
                [$"{HostMesh.HostnameOf("far")}:80"] = new JsonObject { ["to"] = new JsonArray(new JsonArray($"{peer.IPv4}", 15008)) },
            },
        });
        Peer = await StartAsync(peer, "hbone-server.mjs", "peer", new() { ["baggage"] = TwoNetworks.PeerBaggage });

        Task<NodePeer> StartAsync(Pod pod, string script, string account, JsonObject configuration)
        {
            var files = CertificateFiles.Issue(AuthorityFolder, $"spiffe://cluster.local/ns/shop/sa/{account}");
            configuration["host"] = "::";
            configuration["port"] = 15008;
            configuration["ca"] = files.Authority;
            configuration["cert"] = files.Certificate;
            configuration["key"] = files.Key;
            return NodePeer.StartAsync(pod, script, configuration, token);
        }
    }
}
