using Ztunnel.Cni;
using Ztunnel.Demo;

namespace Node.Tests.InPod;

/// <summary>
/// A node whose captured pods are served by one proxy, which runs in a pod of its own and is told of them by our own agent.
/// </summary>
internal sealed class ServedNode : IAsyncDisposable
{
    private readonly Topology _topology;

    private ServedNode(Topology topology, TopologyNode node, MeshPod proxyPod, CniServer agent) =>
        (_topology, Node, ProxyPod, Agent) = (topology, node, proxyPod, agent);

    public TopologyNode Node { get; }

    /// <summary>Where the proxy runs, itself a workload of the mesh.</summary>
    public MeshPod ProxyPod { get; }

    public CniServer Agent { get; }

    /// <summary>The one that was started last.</summary>
    public ProxyProcess Proxy { get; private set; } = null!;

    /// <summary>Variables of each proxy besides those that take mesh and certificates from files.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; set; } = new Dictionary<string, string?>();

    /// <summary>A command in front of each proxy's.</summary>
    public string[] Launcher { get; set; } = [];

    /// <summary>Makes the node, its proxy's pod and its agent; the proxy is still to be started.</summary>
    public static async Task<ServedNode> CreateAsync(Topology topology, string name, CancellationToken cancellationToken)
    {
        var node = await topology.AddNodeAsync(name, cancellationToken);
        var pod = await topology.AddPodAsync(node, $"ztunnel-{name}", cancellationToken);
        var agent = await NodeProxy.StartAgentAsync(
            new CniServerOptions { Path = AgentPathOf(topology, name), AcceptInterval = TimeSpan.FromMilliseconds(1) },
            cancellationToken);
        return new ServedNode(topology, node, new MeshPod(pod, NodeProxy.Namespace, NodeProxy.ServiceAccount), agent);
    }

    /// <summary>The environment of this node's proxy.</summary>
    public Dictionary<string, string?> Environment(params (string Name, string Value)[] more)
    {
        var files = ProxyProcess.Files(TwoNodes.MeshFileOf(_topology), TwoNodes.AuthorityFolderOf(_topology));
        var environment = NodeProxy.EnvironmentOf(ProxyPod.Pod, AgentPathOf(_topology, Node.Name), files);
        environment["LOG_FORMAT"] = "json";
        foreach (var (name, value) in Settings)
        {
            environment[name] = value;
        }

        foreach (var (name, value) in more)
        {
            environment[name] = value;
        }

        return environment;
    }

    /// <summary>Starts a proxy with these variables besides the usual ones, and waits until it serves all enrolled pods.</summary>
    public async Task StartProxyAsync(CancellationToken cancellationToken, params (string Name, string Value)[] more)
    {
        Proxy = await ProxyProcess.StartAsync(ProxyPod.Pod, ProxyBinary.Path, Environment(more), Launcher);
        await Proxy.WaitForReadyAsync("200", cancellationToken);
    }

    /// <summary>Ends the proxy at once and starts another.</summary>
    public async Task ReplaceProxyAsync(CancellationToken cancellationToken, params (string Name, string Value)[] more)
    {
        await Proxy.Process.DisposeAsync();
        await StartProxyAsync(cancellationToken, more);
    }

    /// <summary>Has the proxy serve a pod, whose traffic still has to be redirected.</summary>
    /// <exception cref="CniException">It refused.</exception>
    public Task EnrolAsync(MeshPod pod, CancellationToken cancellationToken) => Agent.AddAsync(
        new CniPod(pod.Uid, pod.Pod.Name, pod.Namespace, pod.ServiceAccount, pod.Pod.OpenNetns()), cancellationToken);

    public Task WithdrawAsync(MeshPod pod, CancellationToken cancellationToken) =>
        Agent.DeleteAsync(pod.Uid, cancellationToken);

    public ValueTask DisposeAsync() => Agent.DisposeAsync();

    private static string AgentPathOf(Topology topology, string node) => Path.Combine(topology.Folder, $"{node}.sock");
}
