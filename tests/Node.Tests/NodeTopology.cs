using Redirection.Rules;
using Ztunnel.Config;
using Ztunnel.Demo;
using Ztunnel.Mesh;

namespace Node.Tests;

/// <summary>
/// <c>client</c> on one node, <c>server</c> and <c>plain</c> on another, and a proxy on each node that logs JSON; the
/// first two pods are enrolled. As a class fixture it is shared, so tests look at what is new since they began.
/// </summary>
public sealed class NodeTopology : IAsyncLifetime
{
    private static readonly WorkloadInfo ClientInfo = new("client", "default", "client");
    private static readonly WorkloadInfo ServerInfo = new("server", "shop", "server");

    private Topology? _topology;

    /// <summary>Whether each proxy serves a node, or the one pod that it runs in.</summary>
    internal ProxyMode Mode { get; init; } = ProxyMode.Shared;

    internal RuleBackend Backend { get; init; } = RuleBackend.Nftables;

    internal TopologyOptions Options { get; init; } = new();

    /// <summary>Variables of both proxies besides mesh, certificates and place.</summary>
    internal Dictionary<string, string?> ProxyEnvironment { get; init; } = new() { ["LOG_FORMAT"] = "json" };

    /// <summary>The program of both proxies.</summary>
    internal string Binary { get; init; } = ProxyBinary.Path;

    /// <summary>How the server wants its traffic (proto message <c>ApplicationTunnel</c>), as YAML; null for plainly.</summary>
    internal string? ServerTunnel { get; init; }

    /// <summary>The cluster's name server: what the mesh does not know is asked there.</summary>
    internal NameServer Names { get; private set; } = null!;

    internal Pod Client { get; private set; } = null!;

    internal Pod Server { get; private set; } = null!;

    internal Pod Plain { get; private set; } = null!;

    /// <summary>The proxy that serves the client.</summary>
    internal ProxyProcess ClientProxy { get; private set; } = null!;

    /// <summary>The proxy that serves the server.</summary>
    internal ProxyProcess ServerProxy { get; private set; } = null!;

    internal string Folder => _topology!.Folder;

    /// <summary>The CA of both proxies.</summary>
    internal string AuthorityFolder => Path.Combine(Folder, "ca");

    public async ValueTask InitializeAsync()
    {
        _topology = await Topology.CreateAsync(Options, CancellationToken.None);
        try
        {
            var near = await _topology.AddNodeAsync("near", CancellationToken.None);
            var far = await _topology.AddNodeAsync("far", CancellationToken.None);
            Names = await _topology.AddNameServerAsync(far, CancellationToken.None);
            Client = await _topology.AddPodAsync(near, "client", CancellationToken.None);
            Server = await _topology.AddPodAsync(far, "server", CancellationToken.None);
            Plain = await _topology.AddPodAsync(far, "plain", CancellationToken.None);
            var meshFile = Path.Combine(Folder, "mesh.yaml");
            await File.WriteAllTextAsync(meshFile, TestMesh.ToYaml(Client, Server, Plain, ServerTunnel));
            var variables = ProxyProcess.Files(meshFile, AuthorityFolder);
            foreach (var (name, value) in ProxyEnvironment)
            {
                variables[name] = value;
            }

            await (Mode == ProxyMode.Shared ? ServeNodesAsync(variables) : ServePodsAsync(variables));
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_topology is not null)
        {
            await _topology.DisposeAsync();
        }
    }

    private async Task ServeNodesAsync(Dictionary<string, string?> variables)
    {
        var near = await _topology!.AddProxyAsync(Client.Node, Binary, variables, CancellationToken.None);
        var far = await _topology.AddProxyAsync(Server.Node, Binary, variables, CancellationToken.None);
        (ClientProxy, ServerProxy) = (near.Process, far.Process);
        await WaitUntilReadyAsync();
        await near.EnrolAsync(Client, ClientInfo, CancellationToken.None, Backend);
        await far.EnrolAsync(Server, ServerInfo, CancellationToken.None, Backend);
    }

    private async Task ServePodsAsync(Dictionary<string, string?> variables)
    {
        ClientProxy = await DedicatedProxy.StartAsync(Client, ClientInfo, variables);
        ServerProxy = await DedicatedProxy.StartAsync(Server, ServerInfo, variables);
        await WaitUntilReadyAsync();
        await Client.CaptureAsync(CancellationToken.None, Backend);
        await Server.CaptureAsync(CancellationToken.None, Backend);
    }

    private async Task WaitUntilReadyAsync()
    {
        await ClientProxy.WaitUntilReadyAsync(CancellationToken.None);
        await ServerProxy.WaitUntilReadyAsync(CancellationToken.None);
    }
}
