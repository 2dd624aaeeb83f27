using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Ztunnel.Demo;
using Ztunnel.Tests.InPod;

namespace Node.Tests.Routes;

/// <summary>
/// One proxy process that serves the pods of its node (<see cref="RoutePods"/>) with a mesh from a control plane, and waypoints
/// that are none of ours. Shared by all route tests, which look at what is new since they began.
/// </summary>
public sealed class RouteNode : IAsyncLifetime
{
    private const string Hello = "hello world";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly ScriptedAgent _agent = new();
    private Topology? _topology;
    private AgentConnection? _connection;

    internal RoutePods Pods { get; private set; } = null!;

    internal ProxyProcess Proxy { get; private set; } = null!;

    internal WaypointPeer Waypoint { get; private set; } = null!;

    internal HaproxyPeer Sandwich { get; private set; } = null!;

    internal HaproxyPeer Bare { get; private set; } = null!;

    /// <summary>The node as if it was a pod: what is reached there is no workload.</summary>
    internal Pod Host { get; private set; } = null!;

    /// <summary>The access log's end, before what a test does.</summary>
    internal long LogEnd => Proxy.Process.Output.Count;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string AuthorityFolder => Path.Combine(_topology!.Folder, "ca");

    public async ValueTask InitializeAsync()
    {
        var token = CancellationToken.None;
        _topology = await Topology.CreateAsync(new TopologyOptions(), token);
        try
        {
            var node = await _topology.AddNodeAsync("near", token);
            Host = new Pod("host", node, node.Namespace, AddressPlan.Node4(1), AddressPlan.Node6(1));
            await node.Namespace.IpAsync([$"route add blackhole {RouteMesh.Blackhole}/32"], token);
            Task<Pod> AddAsync(string name) => _topology.AddPodAsync(node, name, token);
            Pods = new RoutePods(
                await AddAsync("client"),
                await AddAsync("alien"),
                await AddAsync("a"),
                await AddAsync("b"),
                await AddAsync("c"),
                await AddAsync("behind"),
                await AddAsync("waypoint"),
                await AddAsync("sandwich"),
                await AddAsync("bare"),
                await AddAsync("idle"));
            await StartProxyAsync(node, await AddAsync("istiod"), token);
            await StartWaypointsAsync(token);
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

    internal static IPAddress AddressOf(Pod pod, AddressFamily family) =>
        family == AddressFamily.InterNetwork ? pod.IPv4 : pod.IPv6!;

    internal static IPAddress VipOf(string service, AddressFamily family) => family == AddressFamily.InterNetwork
        ? AddressPlan.Service4(RouteMesh.Services[service])
        : AddressPlan.Service6(RouteMesh.Services[service]);

    /// <summary>A certificate for any identity, of the authority of all.</summary>
    internal CertificateFiles Issue(string identity) => CertificateFiles.Issue(AuthorityFolder, identity);

    /// <summary>Says hello and returns all that comes back.</summary>
    internal static async Task<string> AskAsync(Pod from, IPAddress address, int port)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(Limit);
        using var socket = await from.ConnectAsync(address, port, limit.Token);
        await socket.SendTextAsync(Hello, limit.Token);
        socket.Shutdown(SocketShutdown.Send);
        return await socket.ReceiveToEndAsync(limit.Token);
    }

    /// <summary>
    /// Says hello to what is accepted and then refused, until the application sees a reset: at once when the proxy has not
    /// read all, else when it says more after the end.
    /// </summary>
    internal static async Task AssertRefusedAsync(Pod from, IPAddress address, int port)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(Limit);
        using var socket = await from.ConnectAsync(address, port, limit.Token);
        var e = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            while (true)
            {
                await socket.SendTextAsync(Hello, limit.Token);
                Assert.Equal("", await socket.ReceiveTextAsync(1, limit.Token));
                await Task.Delay(TimeSpan.FromMilliseconds(10), limit.Token);
            }
        });
        Assert.True(
            e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown,
            $"expected a reset, got {e.SocketErrorCode}");
    }

    /// <summary>The first access line with these values since the log had a length.</summary>
    internal async Task<AccessLine> LineAsync(long since, params (string Key, string Value)[] values)
    {
        var text = await Proxy.Process.Output.FirstWithinAsync(
            line => AccessLine.Parse(line) is { } access && values.All(value => access[value.Key] == value.Value),
            since,
            Limit,
            Token);
        Assert.True(
            text is not null,
            $"no line with {string.Join(", ", values)} in:\n{string.Join('\n', Proxy.Process.Output.Since(since))}");
        return AccessLine.Parse(text)!;
    }

    private async Task StartProxyAsync(TopologyNode node, Pod istiod, CancellationToken token)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_topology!.Folder, "istiod")).FullName;
        var controlPlane = await ControlPlaneProcess.StartAsync(
            ControlPlaneProgram.Path, istiod, folder, RouteMesh.ToYaml(Pods), token);
        var environment = ProxyProcess.Place(istiod);
        foreach (var (name, value) in await controlPlane.VariablesAsync(node))
        {
            environment[name] = value;
        }

        environment["POD_NAME"] = "ztunnel";
        environment["POD_NAMESPACE"] = NodeProxy.Namespace;
        environment["SERVICE_ACCOUNT"] = NodeProxy.ServiceAccount;
        environment["INPOD_UDS"] = _agent.Path;
        environment["FAKE_CA"] = "true";
        environment["LOCAL_CA_DIR"] = AuthorityFolder;
        environment["LOG_FORMAT"] = "json";

        // Short for those who never answer, and long for anybody who does on a busy machine.
        environment["HBONE_CONNECT_TIMEOUT"] = "6s";
        environment["TLS_HANDSHAKE_TIMEOUT"] = "6s";
        environment["HBONE_RESPONSE_TIMEOUT"] = "6s";
        Proxy = await ProxyProcess.StartAsync(node.Host, ProxyBinary.Path, environment);
        _connection = await _agent.AcceptAsync();
        await _connection.ReadHelloAsync();
        foreach (var pod in Pods.Captured)
        {
            using var netns = File.OpenHandle(pod.Namespace.Path);
            var add = AgentConnection.AddBytes($"uid-{pod.Name}", pod.Name, "shop", pod.Name);
            Assert.Empty(await _connection.AskAsync(add, netns));
        }

        Assert.Empty(await _connection.SnapshotAsync());
        await Proxy.WaitForReadyAsync("200", token);
        foreach (var pod in Pods.Captured)
        {
            await pod.CaptureAsync(token);
        }
    }

    private async Task StartWaypointsAsync(CancellationToken token)
    {
        var endpoints = new JsonObject();
        foreach (var service in new[] { "via", "via-vouched" })
        {
            endpoints[VipOf(service, AddressFamily.InterNetwork).ToString()] = Pods.A.IPv4.ToString();
            endpoints[VipOf(service, AddressFamily.InterNetworkV6).ToString()] = Pods.A.IPv6!.ToString();
        }

        var ports = new JsonObject { ["80"] = RouteMesh.EchoPort };
        Waypoint = await WaypointPeer.StartAsync(
            Pods.Waypoint, Issue(RouteMesh.WaypointIdentity), endpoints, ports, token);
        Sandwich = await HaproxyPeer.StartAsync(
            Pods.Sandwich,
            RouteMesh.TunnelPort,
            expectsHeader: true,
            new IPEndPoint(VipOf("balanced", AddressFamily.InterNetwork), 80),
            _topology!.Folder,
            token);
        Bare = await HaproxyPeer.StartAsync(
            Pods.Bare,
            RouteMesh.TunnelPort,
            expectsHeader: false,
            new IPEndPoint(Pods.Behind.IPv4, RouteMesh.EchoPort),
            _topology.Folder,
            token);
    }
}
