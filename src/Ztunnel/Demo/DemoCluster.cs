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
                await topology.AddPodAsync(node1, "client", cancellationToken),
                await topology.AddPodAsync(node2, "server", cancellationToken),
                await topology.AddPodAsync(node2, "plain", cancellationToken));
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

        // The kernel takes the first packet that it sees of a connection for its beginning. One to the control plane from
        // before the redirection would, by the next push, look like one from outside, and end up at the proxy's port.
        if (ControlPlane is not null)
        {
            await CaptureAsync();
        }

        ClientProxy = await StartProxyAsync(Client, "default/client/client");
        ServerProxy = await StartProxyAsync(Server, "shop/server/server");
        await ClientProxy.WaitUntilReadyAsync(cancellationToken);
        await ServerProxy.WaitUntilReadyAsync(cancellationToken);

        // As the CNI agent does: redirect only when the listeners are there.
        if (ControlPlane is null)
        {
            await CaptureAsync();
        }

        async Task CaptureAsync()
        {
            await Client.CaptureAsync(cancellationToken);
            await Server.CaptureAsync(cancellationToken);
        }

        async Task<DedicatedProxy> StartProxyAsync(Pod pod, string workload) => await DedicatedProxy.StartAsync(
            pod,
            binary,
            ControlPlane is { } controlPlane
                ? await controlPlane.EnvironmentOfAsync(pod, workload)
                : DedicatedProxy.EnvironmentOf(pod, workload, meshFile, authority));
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
