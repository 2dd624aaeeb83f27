using Ztunnel.Demo;
using Ztunnel.Tests.InPod;

namespace Node.Tests.InPod;

/// <summary>
/// A node whose pods <c>client</c> and <c>server</c> are captured and served by one proxy process, which an agent of the tests
/// has told of them; <c>plain</c> is neither. As a class fixture it is shared: who takes something away puts it back.
/// </summary>
public sealed class SharedNode : IAsyncLifetime
{
    public const string ReadinessTask = "workload proxy manager";

    internal Topology Topology { get; private set; } = null!;

    internal TopologyNode Node { get; private set; } = null!;

    internal Pod Client { get; private set; } = null!;

    internal Pod Server { get; private set; } = null!;

    internal Pod Plain { get; private set; } = null!;

    internal ScriptedAgent Agent { get; } = new();

    /// <summary>The one that is open now.</summary>
    internal AgentConnection Connection { get; set; } = null!;

    internal ProxyProcess Proxy { get; private set; } = null!;

    /// <summary>What the readiness page said before the agent was there, after an add, and after the snapshot.</summary>
    internal List<string> ReadyAnswers { get; } = [];

    public async ValueTask InitializeAsync()
    {
        var token = CancellationToken.None;
        Topology = await Topology.CreateAsync(new TopologyOptions(), token);
        try
        {
            Node = await Topology.AddNodeAsync("near", token);
            Client = await Topology.AddPodAsync(Node, "client", token);
            Server = await Topology.AddPodAsync(Node, "server", token);
            Plain = await Topology.AddPodAsync(Node, "plain", token);
            await File.WriteAllTextAsync(MeshFile, TestMesh.ToYaml(Client, Server, Plain), token);
            Proxy = await StartProxyAsync(Node);
            Connection = await Agent.AcceptAsync();
            await Connection.ReadHelloAsync();
            await Proxy.WaitForReadyAsync($"500 not ready, pending: {ReadinessTask}", token);
            ReadyAnswers.Add(await Proxy.ReadyAsync(token));
            await AddAsync(Client);
            ReadyAnswers.Add(await Proxy.ReadyAsync(token));
            await AddAsync(Server);
            Assert.Empty(await Connection.SnapshotAsync());
            ReadyAnswers.Add(await Proxy.ReadyAsync(token));
            await Client.CaptureAsync(token);
            await Server.CaptureAsync(token);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Connection?.Dispose();
        Agent.Dispose();
        if (Topology is not null)
        {
            await Topology.DisposeAsync();
        }
    }

    internal static string UidOf(Pod pod) => $"uid-{pod.Name}";

    /// <summary>Starts a proxy in the network of a node, for the pods of <see cref="Node"/>.</summary>
    internal Task<ProxyProcess> StartProxyAsync(TopologyNode node)
    {
        var environment = ProxyProcess.Files(MeshFile, Path.Combine(Topology.Folder, "ca"));
        environment["INPOD_UDS"] = Agent.Path;
        environment["NODE_NAME"] = Node.Name;
        environment["CLUSTER_ID"] = "Kubernetes";
        environment["LOG_FORMAT"] = "json";
        environment["ISTIO_META_DNS_CAPTURE"] = "false"; // what a pod costs is counted without
        return ProxyProcess.StartAsync(node.Host, ProxyBinary.Path, environment);
    }

    /// <summary>Adds a pod by the current connection, or another.</summary>
    internal async Task AddAsync(Pod pod, AgentConnection? connection = null)
    {
        using var netns = File.OpenHandle(pod.Namespace.Path);
        var add = AgentConnection.AddBytes(UidOf(pod), pod.Name, pod == Client ? "default" : "shop", pod.Name);
        Assert.Empty(await (connection ?? Connection).AskAsync(add, netns));
    }

    internal async Task DeleteAsync(Pod pod) => Assert.Empty(await Connection.DeleteAsync(UidOf(pod)));

    private string MeshFile => Path.Combine(Topology.Folder, "mesh.yaml");
}
