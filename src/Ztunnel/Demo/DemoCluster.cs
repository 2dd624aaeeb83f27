using Ztunnel.Mesh;

namespace Ztunnel.Demo;

/// <summary>
/// What the demo builds: <c>client</c> on node 1, <c>server</c> and <c>plain</c> on node 2, a proxy on each node, with
/// which the first two are enrolled, and servers in the last two.
/// </summary>
internal sealed class DemoCluster : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(10);

    private readonly Topology _topology;

    private DemoCluster(Topology topology, NameServer names, Pod client, Pod server, Pod plain) =>
        (_topology, Names, Client, Server, Plain) = (topology, names, client, server, plain);

    /// <summary>Enrolled, identity <see cref="DemoMesh.ClientIdentity"/>.</summary>
    public Pod Client { get; }

    /// <summary>Enrolled, identity <see cref="DemoMesh.ServerIdentity"/>.</summary>
    public Pod Server { get; }

    /// <summary>Not enrolled: no listeners of a proxy, no redirection.</summary>
    public Pod Plain { get; }

    /// <summary>What knows <see cref="DemoMesh.OutsideHostname"/>; proxies forward to it.</summary>
    public NameServer Names { get; }

    /// <summary>The proxy of the client's node.</summary>
    public ProxyProcess ClientProxy { get; private set; } = null!;

    /// <summary>The proxy of the server's node.</summary>
    public ProxyProcess ServerProxy { get; private set; } = null!;

    /// <summary>Where the proxies have mesh and certificates from; null when that is files.</summary>
    public ControlPlaneProcess? ControlPlane { get; private set; }

    /// <summary>Private files of this run.</summary>
    public string Folder => _topology.Folder;

    /// <summary>What nginx serves below <c>/files/</c>.</summary>
    public string Files => Path.Combine(Folder, "files");

    /// <summary>The namespace of the switch between the nodes.</summary>
    public NetworkNamespace Switch => _topology.Switch;

    /// <summary>Builds all of it and waits until it serves.</summary>
    /// <param name="binary">The proxy's executable.</param>
    /// <param name="controlPlane">The control plane's executable; null for a mesh and a CA in files.</param>
    /// <param name="cancellationToken">Stops building, and removes what stands.</param>
    public static async Task<DemoCluster> CreateAsync(
        string binary, string? controlPlane, CancellationToken cancellationToken)
    {
        var topology = await Topology.CreateAsync(new TopologyOptions(), cancellationToken);
        try
        {
            var node1 = await topology.AddNodeAsync("node1", cancellationToken);
            var node2 = await topology.AddNodeAsync("node2", cancellationToken);
            var cluster = new DemoCluster(
                topology,
                await topology.AddNameServerAsync(node2, cancellationToken),
                await topology.AddPodAsync(node1, "client", cancellationToken),
                await topology.AddPodAsync(node2, "server", cancellationToken),
                await topology.AddPodAsync(node2, "plain", cancellationToken));
            cluster.Names.Add(DemoMesh.OutsideHostname, cluster.Plain.IPv4);
            if (controlPlane is not null)
            {
                await cluster.StartControlPlaneAsync(controlPlane, cancellationToken);
            }

            await cluster.StartProxiesAsync(binary, cancellationToken);
            await cluster.StartServersAsync(cancellationToken);
            return cluster;
        }
        catch
        {
            await topology.DisposeAsync();
            throw;
        }
    }

    /// <summary>The mesh as a local mesh file, with further policies.</summary>
    public string Mesh(string policies = "") => DemoMesh.ToYaml(Client, Server, Plain) + policies;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _topology.DisposeAsync();

    private async Task StartControlPlaneAsync(string program, CancellationToken cancellationToken)
    {
        var node = await _topology.AddNodeAsync("node3", cancellationToken);
        var pod = await _topology.AddPodAsync(node, "istiod", cancellationToken);
        var folder = Directory.CreateDirectory(Path.Combine(Folder, "istiod")).FullName;
        ControlPlane = await ControlPlaneProcess.StartAsync(program, pod, folder, Mesh(), cancellationToken);
    }

    private async Task StartProxiesAsync(string binary, CancellationToken cancellationToken)
    {
        var meshFile = Path.Combine(Folder, "mesh.yaml");
        var authority = Path.Combine(Folder, "ca");
        if (ControlPlane is null)
        {
            await File.WriteAllTextAsync(meshFile, Mesh(), cancellationToken);
        }

        var atClient = await StartAsync(Client.Node);
        var atServer = await StartAsync(Server.Node);
        (ClientProxy, ServerProxy) = (atClient.Process, atServer.Process);
        await ClientProxy.WaitUntilReadyAsync(cancellationToken);
        await ServerProxy.WaitUntilReadyAsync(cancellationToken);
        await atClient.EnrolAsync(Client, new WorkloadInfo("client", "default", "client"), cancellationToken);
        await atServer.EnrolAsync(Server, new WorkloadInfo("server", "shop", "server"), cancellationToken);

        async Task<NodeProxy> StartAsync(TopologyNode node)
        {
            var variables = ControlPlane is { } controlPlane
                ? await controlPlane.VariablesAsync(node)
                : ProxyProcess.Files(meshFile, authority);
            return await _topology.AddProxyAsync(node, binary, variables, cancellationToken);
        }
    }

    private async Task StartServersAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Files);
        foreach (var pod in new[] { Server, Plain })
        {
            var folder = Directory.CreateDirectory(Path.Combine(Folder, pod.Name)).FullName;
            await NginxServer.StartAsync(pod, folder, Files, cancellationToken);
        }

        var redis = await Server.Namespace.StartAsync(new ProcessSpec(
            "redis-server", "--bind", "*", "-::*", "--port", FormattableString.Invariant($"{DemoMesh.RedisPort}"),
            "--protected-mode", "no", "--save", "", "--appendonly", "no", "--dir", Folder));
        await redis.WaitForListenerAsync(DemoMesh.RedisPort, StartLimit, cancellationToken);
    }
}
