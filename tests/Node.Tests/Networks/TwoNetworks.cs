using System.Net.Sockets;
using Node.Tests.InPod;
using Ztunnel.Demo;
using Ztunnel.Tests.InPod;

namespace Node.Tests.Networks;

/// <summary>
/// Two nodes on two networks, each with a proxy for its pods. Client and server are captured; between them stand a gateway
/// made of other people's parts, and beside the server an HBONE server that is not ours either.
/// </summary>
internal sealed class TwoNetworks : IAsyncDisposable
{
    public const string PeerBaggage =
        "k8s.cluster.name=c-2,k8s.namespace.name=shop,k8s.deployment.name=peer-v2,service.name=peer,service.version=v2,"
        + "cloud.region=r2,cloud.availability_zone=z2";

    private readonly List<ScriptedAgent> _agents = [];
    private readonly List<AgentConnection> _connections = [];
    private readonly Topology _topology;

    private TwoNetworks(Topology topology) => _topology = topology;

    public Pod Client { get; private set; } = null!;

    public Pod Server { get; private set; } = null!;

    public ProxyProcess Near { get; private set; } = null!;

    public ProxyProcess Far { get; private set; } = null!;

    public Pod GatewayPod { get; private set; } = null!;

    public NodePeer Gateway { get; private set; } = null!;

    public NodePeer Peer { get; private set; } = null!;

    /// <summary>Certificate files of the gateway and of the peer, whose serial numbers can be revoked.</summary>
    public CertificateFiles GatewayFiles { get; private set; } = null!;

    /// <inheritdoc cref="GatewayFiles"/>
    public CertificateFiles PeerFiles { get; private set; } = null!;

    public string AuthorityFolder => Path.Combine(_topology.Folder, "ca");

    private Pod PeerPod { get; set; } = null!;

    /// <param name="environment">Further variables of the client's proxy.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<TwoNetworks> StartAsync(
        Dictionary<string, string?> environment, CancellationToken cancellationToken)
    {
        var networks = new TwoNetworks(await Topology.CreateAsync(new TopologyOptions(), cancellationToken));
        try
        {
            await networks.BuildAsync(environment, cancellationToken);
            return networks;
        }
        catch
        {
            await networks.DisposeAsync();
            throw;
        }
    }

    /// <summary>Dials a service of the far network from the client.</summary>
    public async Task<DialledSocket> DialAsync(
        FarService service, CancellationToken cancellationToken, AddressFamily family = AddressFamily.InterNetwork)
    {
        var since = Near.Process.Output.Count;
        var address = family == AddressFamily.InterNetwork
            ? AddressPlan.Service4(service.Number)
            : AddressPlan.Service6(service.Number);
        return new(
            await Client.ConnectFromOwnPortAsync(address, FarService.Port, cancellationToken), Near.Process.Output, since);
    }

    /// <summary>Sends a text, ends, and reads to the end.</summary>
    public async Task<string> AskAsync(FarService service, string text, CancellationToken cancellationToken)
    {
        using var socket = await Client.ConnectAsync(
            AddressPlan.Service4(service.Number), FarService.Port, cancellationToken);
        await socket.SendTextAsync(text, cancellationToken);
        socket.Shutdown(SocketShutdown.Send);
        return await socket.ReceiveToEndAsync(cancellationToken);
    }

    /// <summary>Starts the gateway, anew when it was there before.</summary>
    public async Task StartGatewayAsync(CancellationToken cancellationToken) => Gateway = await NodePeer.StartAsync(
        GatewayPod,
        "gateway.mjs",
        new
        {
            host = "::",
            port = 15008,
            ca = GatewayFiles.Authority,
            cert = GatewayFiles.Certificate,
            key = GatewayFiles.Key,
            routes = FarServices.RoutesTo(Server, PeerPod),
        },
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections)
        {
            connection.Dispose();
        }

        foreach (var agent in _agents)
        {
            agent.Dispose();
        }

        await _topology.DisposeAsync();
    }

    private async Task BuildAsync(Dictionary<string, string?> environment, CancellationToken cancellationToken)
    {
        var near = await _topology.AddNodeAsync("near", cancellationToken);
        var far = await _topology.AddNodeAsync("far", cancellationToken);
        await near.Namespace.IpAsync([$"route add blackhole {FarServices.SilentGateway}/32"], cancellationToken);
        Client = await _topology.AddPodAsync(near, "client", cancellationToken);
        Server = await _topology.AddPodAsync(far, "server", cancellationToken);
        GatewayPod = await _topology.AddPodAsync(far, "gateway", cancellationToken);
        PeerPod = await _topology.AddPodAsync(far, "peer", cancellationToken);

        // The first of the two makes the CA's directory.
        Far = await StartProxyAsync(far, "net-2", NetworkMesh.Far(Server), [], cancellationToken);
        await ServeAsync(Server, "shop", Far, cancellationToken);
        Near = await StartProxyAsync(near, "net-1", NetworkMesh.Near(Client, GatewayPod), environment, cancellationToken);
        await ServeAsync(Client, "default", Near, cancellationToken);

        GatewayFiles = CertificateFiles.Issue(AuthorityFolder, FarServices.GatewayIdentity);
        PeerFiles = CertificateFiles.Issue(AuthorityFolder, FarServices.PeerIdentity);
        await StartGatewayAsync(cancellationToken);
        Peer = await NodePeer.StartAsync(
            PeerPod,
            "hbone-server.mjs",
            new
            {
                host = "::",
                port = 15008,
                ca = PeerFiles.Authority,
                cert = PeerFiles.Certificate,
                key = PeerFiles.Key,
                baggage = PeerBaggage,
            },
            cancellationToken);
    }

    private async Task<ProxyProcess> StartProxyAsync(
        TopologyNode node,
        string network,
        string mesh,
        Dictionary<string, string?> environment,
        CancellationToken cancellationToken)
    {
        var agent = new ScriptedAgent();
        _agents.Add(agent);
        var meshFile = Path.Combine(_topology.Folder, $"{node.Name}.yaml");
        await File.WriteAllTextAsync(meshFile, mesh, cancellationToken);
        var variables = ProxyProcess.Files(meshFile, AuthorityFolder);
        foreach (var (name, value) in environment)
        {
            variables[name] = value;
        }

        variables["INPOD_UDS"] = agent.Path;
        variables["NODE_NAME"] = node.Name;
        variables["NETWORK"] = network;
        variables["CLUSTER_ID"] = $"cluster-{network}";
        variables["ISTIO_META_DNS_CAPTURE"] = "false";
        variables["LOG_FORMAT"] = "json";
        return await ProxyProcess.StartAsync(node.Host, ProxyBinary.Path, variables);
    }

    private async Task ServeAsync(Pod pod, string @namespace, ProxyProcess proxy, CancellationToken cancellationToken)
    {
        var connection = await _agents[^1].AcceptAsync();
        _connections.Add(connection);
        await connection.ReadHelloAsync();
        using (var netns = File.OpenHandle(pod.Namespace.Path))
        {
            var add = AgentConnection.AddBytes(SharedNode.UidOf(pod), pod.Name, @namespace, pod.Name);
            Assert.Empty(await connection.AskAsync(add, netns));
        }

        Assert.Empty(await connection.SnapshotAsync());
        await proxy.WaitForReadyAsync("200", cancellationToken);
        await pod.CaptureAsync(cancellationToken);
    }
}
