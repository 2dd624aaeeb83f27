using System.Collections.Concurrent;

namespace Ztunnel.Demo;

/// <summary>
/// A small cluster on this machine: nodes and pods in network namespaces, a switch between the nodes. The machine's own
/// network is
/// not touched, and nothing of it is left after disposal.
/// </summary>
internal sealed class Topology : IAsyncDisposable
{
    /// <summary>The bridge in the switch's namespace: what passes here is on the wire between nodes.</summary>
    public const string Bridge = "br0";

    private readonly RunPrefix _prefix = RunPrefix.Next();
    private readonly TopologyOptions _options;
    private readonly ConcurrentStack<NetworkNamespace> _namespaces = [];
    private readonly List<TopologyNode> _nodes = [];
    private readonly List<NodeProxy> _proxies = [];
    private readonly List<NameServer> _nameServers = [];
    private string? _resolverFile;

    private Topology(TopologyOptions options)
    {
        _options = options;
        Folder = Directory.CreateTempSubdirectory($"{_prefix}-").FullName;
    }

    /// <summary>What the names of all its namespaces begin with.</summary>
    public string Prefix => _prefix.ToString();

    /// <summary>A private folder for files, deleted with the topology.</summary>
    public string Folder { get; }

    /// <summary>
    /// The namespace of the switch, where traffic between nodes can be watched on <see cref="Bridge"/>.
    /// </summary>
    public NetworkNamespace Switch { get; private set; } = null!;

    /// <summary>Removes what crashed runs left, then makes a topology that has only a switch.</summary>
    /// <exception cref="CommandException">Not root, or a tool is missing or failed.</exception>
    public static async Task<Topology> CreateAsync(TopologyOptions options, CancellationToken cancellationToken)
    {
        if (!System.Environment.IsPrivilegedProcess)
        {
            throw new CommandException("network namespaces need root: run this with sudo");
        }

        await RemoveLeftoversAsync();
        var topology = new Topology(options);
        try
        {
            var network = await topology.AddNamespaceAsync("switch", TopologyOptions.NodeSettings, cancellationToken);
            await network.IpAsync([$"link add {Bridge} type bridge", $"link set {Bridge} up"], cancellationToken);
            topology.Switch = network;
            return topology;
        }
        catch
        {
            await topology.DisposeAsync();
            throw;
        }
    }

    /// <summary>Adds a node that reaches every other node and their pods. One call at a time.</summary>
    public async Task<TopologyNode> AddNodeAsync(string name, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(_nodes.Count, AddressPlan.Largest, "nodes");

        var network = await AddNamespaceAsync(name, TopologyOptions.NodeSettings, cancellationToken);
        var node = await TopologyNode.CreateAsync(network, name, _nodes.Count + 1, Switch, cancellationToken);
        foreach (var other in _nodes)
        {
            await node.AddRouteToAsync(other, cancellationToken);
            await other.AddRouteToAsync(node, cancellationToken);
        }

        _nodes.Add(node);
        return node;
    }

    /// <summary>
    /// Starts the proxy of a node in a pod of its own, without waiting until it serves. One call at a time.
    /// </summary>
    /// <param name="node">Whose pods can be enrolled with it.</param>
    /// <param name="binary">The proxy's executable.</param>
    /// <param name="variables">Where it has mesh and certificates from, and whatever else it is to know.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<NodeProxy> AddProxyAsync(
        TopologyNode node,
        string binary,
        IReadOnlyDictionary<string, string?> variables,
        CancellationToken cancellationToken)
    {
        var pod = await AddPodAsync(node, $"ztunnel-{node.Name}", cancellationToken);
        var proxy = await NodeProxy.StartAsync(
            pod, Path.Combine(Folder, $"{node.Name}.sock"), binary, variables, cancellationToken);
        _proxies.Add(proxy);
        return proxy;
    }

    /// <summary>
    /// Adds the cluster's name server in a pod of its own. Pods that are added from then on, those of proxies included, ask it, as
    /// the kubelet would have it. One call at a time.
    /// </summary>
    public async Task<NameServer> AddNameServerAsync(TopologyNode node, CancellationToken cancellationToken)
    {
        var pod = await AddPodAsync(node, "kube-dns", cancellationToken);
        var server = NameServer.Start(pod);
        _nameServers.Add(server);
        var file = Path.Combine(Folder, "resolv.conf");
        await File.WriteAllTextAsync(file, $"nameserver {pod.IPv4}\n", cancellationToken);
        _resolverFile = file;
        return server;
    }

    /// <summary>Adds a pod, not captured.</summary>
    public async Task<Pod> AddPodAsync(TopologyNode node, string name, CancellationToken cancellationToken)
    {
        var network = await AddNamespaceAsync(name, _options.PodSettings(), cancellationToken, _resolverFile);
        return await node.AttachAsync(network, name, _options, cancellationToken);
    }

    /// <summary>Kills everything it started, deletes its namespaces and its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var proxy in _proxies)
        {
            await proxy.DisposeAsync();
        }

        foreach (var server in _nameServers)
        {
            await server.DisposeAsync();
        }

        while (_namespaces.TryPop(out var network))
        {
            await network.DisposeAsync();
        }

        DeleteFolder(Folder);
    }

    /// <summary>
    /// Deletes namespaces and folders of runs whose process is gone. Others, and other people's, stay.
    /// </summary>
    internal static async Task RemoveLeftoversAsync()
    {
        if (Directory.Exists(NetworkNamespace.Folder))
        {
            foreach (var path in Directory.EnumerateFiles(NetworkNamespace.Folder).Where(IsLeftover))
            {
                await NetworkNamespace.DeleteAsync(Path.GetFileName(path));
            }
        }

        foreach (var folder in Directory.EnumerateDirectories(Path.GetTempPath()).Where(IsLeftover))
        {
            DeleteFolder(folder);
        }
    }

    private static bool IsLeftover(string path) =>
        RunPrefix.TryParse(Path.GetFileName(path), out var prefix) && !prefix.OwnerIsAlive;

    private static void DeleteFolder(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Two runs that start at once find the same leftovers.
        }
    }

    private async Task<NetworkNamespace> AddNamespaceAsync(
        string name, IReadOnlyList<string> settings, CancellationToken cancellationToken, string? resolverFile = null)
    {
        var network = await NetworkNamespace.CreateAsync(_prefix.Name(name), settings, cancellationToken, resolverFile);
        _namespaces.Push(network);
        return network;
    }
}
