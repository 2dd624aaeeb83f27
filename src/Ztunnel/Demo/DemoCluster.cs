namespace Ztunnel.Demo;

/// <summary>
/// What the demo builds: <c>client</c> on node 1, <c>server</c> and <c>plain</c> on node 2, a proxy in each of the
/// first two, servers in the last two.
/// </summary>
internal sealed class DemoCluster : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(10);

    private readonly Topology _topology;

    private DemoCluster(Topology topology, Pod client, Pod server, Pod plain) =>
        (_topology, Client, Server, Plain) = (topology, client, server, plain);

    /// <summary>Captured, identity <see cref="DemoMesh.ClientIdentity"/>.</summary>
    public Pod Client { get; }

    /// <summary>Captured, identity <see cref="DemoMesh.ServerIdentity"/>.</summary>
    public Pod Server { get; }

    /// <summary>Not captured: no proxy, no redirection.</summary>
    public Pod Plain { get; }

    /// <summary>The client's proxy.</summary>
    public DedicatedProxy ClientProxy { get; private set; } = null!;

    /// <summary>The server's proxy.</summary>
    public DedicatedProxy ServerProxy { get; private set; } = null!;

    /// <summary>Private files of this run.</summary>
    public string Folder => _topology.Folder;

    /// <summary>What nginx serves below <c>/files/</c>.</summary>
    public string Files => Path.Combine(Folder, "files");

    /// <summary>The namespace of the switch between the nodes.</summary>
    public NetworkNamespace Switch => _topology.Switch;

    /// <summary>Builds all of it and waits until it serves.</summary>
    /// <param name="binary">The proxy's executable.</param>
    /// <param name="cancellationToken">Stops building, and removes what stands.</param>
    public static async Task<DemoCluster> CreateAsync(string binary, CancellationToken cancellationToken)
    {
        var topology = await Topology.CreateAsync(new TopologyOptions(), cancellationToken);
        try
        {
            var node1 = await topology.AddNodeAsync("node1", cancellationToken);
            var node2 = await topology.AddNodeAsync("node2", cancellationToken);
            var cluster = new DemoCluster(
                topology,
                await topology.AddPodAsync(node1, "client", cancellationToken),
                await topology.AddPodAsync(node2, "server", cancellationToken),
                await topology.AddPodAsync(node2, "plain", cancellationToken));
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

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _topology.DisposeAsync();

    private async Task StartProxiesAsync(string binary, CancellationToken cancellationToken)
    {
        var meshFile = Path.Combine(Folder, "mesh.yaml");
        var authority = Path.Combine(Folder, "ca");
        await File.WriteAllTextAsync(meshFile, DemoMesh.ToYaml(Client, Server, Plain), cancellationToken);
        ClientProxy = await StartProxyAsync(Client, "default/client/client");
        ServerProxy = await StartProxyAsync(Server, "shop/server/server");
        await ClientProxy.WaitUntilReadyAsync(cancellationToken);
        await ServerProxy.WaitUntilReadyAsync(cancellationToken);

        // As the CNI agent does: redirect only when the listeners are there.
        await Client.CaptureAsync(cancellationToken);
        await Server.CaptureAsync(cancellationToken);

        Task<DedicatedProxy> StartProxyAsync(Pod pod, string workload) =>
            DedicatedProxy.StartAsync(pod, binary, DedicatedProxy.EnvironmentOf(pod, workload, meshFile, authority));
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
