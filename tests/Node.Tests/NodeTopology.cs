using Redirection.Rules;
using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>
/// <c>client</c> on one node, <c>server</c> and <c>plain</c> on another; the first two captured, each served by a proxy
/// of its own that logs JSON. As a class fixture it is shared, so tests look at what is new since they began.
/// </summary>
public sealed class NodeTopology : IAsyncLifetime
{
    private Topology? _topology;

    internal RuleBackend Backend { get; init; } = RuleBackend.Nftables;

    internal TopologyOptions Options { get; init; } = new();

    /// <summary>Variables of both proxies besides those of <see cref="DedicatedProxy.EnvironmentOf"/>.</summary>
    internal Dictionary<string, string?> ProxyEnvironment { get; init; } = new() { ["LOG_FORMAT"] = "json" };

    /// <summary>How the server wants its traffic (proto message <c>ApplicationTunnel</c>), as YAML; null for plainly.</summary>
    internal string? ServerTunnel { get; init; }

    internal Pod Client { get; private set; } = null!;

    internal Pod Server { get; private set; } = null!;

    internal Pod Plain { get; private set; } = null!;

    internal DedicatedProxy ClientProxy { get; private set; } = null!;

    internal DedicatedProxy ServerProxy { get; private set; } = null!;

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
            Client = await _topology.AddPodAsync(near, "client", CancellationToken.None);
            Server = await _topology.AddPodAsync(far, "server", CancellationToken.None);
            Plain = await _topology.AddPodAsync(far, "plain", CancellationToken.None);
            var meshFile = Path.Combine(Folder, "mesh.yaml");
            await File.WriteAllTextAsync(meshFile, TestMesh.ToYaml(Client, Server, Plain, ServerTunnel));
            ClientProxy = await StartProxyAsync(Client, "default/client/client", meshFile);
            ServerProxy = await StartProxyAsync(Server, "shop/server/server", meshFile);
            foreach (var proxy in new[] { ClientProxy, ServerProxy })
            {
                await proxy.WaitUntilReadyAsync(CancellationToken.None);
                await proxy.Pod.CaptureAsync(CancellationToken.None, Backend);
            }
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

    private Task<DedicatedProxy> StartProxyAsync(Pod pod, string workload, string meshFile)
    {
        var environment = DedicatedProxy.EnvironmentOf(pod, workload, meshFile, AuthorityFolder);
        foreach (var (name, value) in ProxyEnvironment)
        {
            environment[name] = value;
        }

        return DedicatedProxy.StartAsync(pod, ProxyBinary.Path, environment);
    }
}
