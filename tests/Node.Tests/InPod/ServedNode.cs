using Microsoft.Extensions.Logging.Abstractions;
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
    public SharedProxy Proxy { get; private set; } = null!;

    /// <summary>Variables of each proxy besides those that take mesh and certificates from files.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; set; } = new Dictionary<string, string?>();

    /// <summary>A command in front of each proxy's.</summary>
    public string[] Launcher { get; set; } = [];

    /// <summary>Makes the node, its proxy's pod and its agent; the proxy is still to be started.</summary>
    public static async Task<ServedNode> CreateAsync(Topology topology, string name, CancellationToken cancellationToken)
    {
        var node = await topology.AddNodeAsync(name, cancellationToken);
        var pod = await topology.AddPodAsync(node, $"ztunnel-{name}", cancellationToken);
        var agent = await CniServer.StartAsync(
            new CniServerOptions { Path = AgentPathOf(topology, name), AcceptInterval = TimeSpan.FromMilliseconds(1) },
            TimeProvider.System,
            NullLogger<CniServer>.Instance,
            cancellationToken);
        return new ServedNode(topology, node, new MeshPod(pod, "istio-system", "ztunnel"), agent);
    }

    /// <summary>The environment of this node's proxy.</summary>
    public Dictionary<string, string?> Environment(params (string Name, string Value)[] more)
    {
        var environment = SharedProxy.EnvironmentOf(
            AgentPathOf(_topology, Node.Name), TwoNodes.MeshFileOf(_topology), TwoNodes.AuthorityFolderOf(_topology), Node.Name);
        environment["POD_NAME"] = ProxyPod.Pod.Name;
        environment["POD_NAMESPACE"] = ProxyPod.Namespace;
        environment["SERVICE_ACCOUNT"] = ProxyPod.ServiceAccount;
        environment["INSTANCE_IP"] = ProxyPod.Pod.IPv4.ToString();
        environment["ISTIO_META_DNS_CAPTURE"] = "true";
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
        Proxy = await SharedProxy.StartAsync(ProxyPod.Pod.Namespace, Environment(more), Launcher);
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
