using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Redirection.Rules;
using Ztunnel.Cni;
using Ztunnel.Mesh;

namespace Ztunnel.Demo;

/// <summary>
/// The one proxy of a node, in a pod of its own called <c>ztunnel-{node}</c> as the DaemonSet has it, and a stand-in for the
/// node's CNI agent beside it, which enrols pods.
/// </summary>
internal sealed class NodeProxy : IAsyncDisposable
{
    /// <summary>The namespace that proxies run in.</summary>
    public const string Namespace = "istio-system";

    /// <summary>The service account that proxies run as.</summary>
    public const string ServiceAccount = "ztunnel";

    private readonly CniServer _agent;

    private NodeProxy(CniServer agent, ProxyProcess process) => (_agent, Process) = (agent, process);

    /// <summary>The proxy.</summary>
    public ProxyProcess Process { get; }

    /// <summary>Starts agent and proxy without waiting until the proxy serves.</summary>
    /// <param name="topology">Where the proxy's pod is added.</param>
    /// <param name="node">Whose pods it will serve.</param>
    /// <param name="binary">The proxy's executable.</param>
    /// <param name="variables">Where it has mesh and certificates from, and whatever else it is to know.</param>
    /// <param name="cancellationToken">Stops before the start.</param>
    /// <exception cref="CommandException">One of them did not start.</exception>
    public static async Task<NodeProxy> StartAsync(
        Topology topology,
        TopologyNode node,
        string binary,
        IReadOnlyDictionary<string, string?> variables,
        CancellationToken cancellationToken)
    {
        var pod = await topology.AddPodAsync(node, $"ztunnel-{node.Name}", cancellationToken);
        var path = Path.Combine(topology.Folder, $"{node.Name}.sock");
        var agent = await StartAgentAsync(path, cancellationToken);
        try
        {
            var environment = ProxyProcess.Place(pod);
            environment["INPOD_UDS"] = path;
            environment["POD_NAME"] = pod.Name;
            environment["POD_NAMESPACE"] = Namespace;
            environment["SERVICE_ACCOUNT"] = ServiceAccount;
            foreach (var (name, value) in variables)
            {
                environment[name] = value;
            }

            return new NodeProxy(agent, await ProxyProcess.StartAsync(pod, binary, environment));
        }
        catch
        {
            await agent.DisposeAsync();
            throw;
        }
    }

    /// <summary>Redirects a pod of the node, then has the proxy, which must be ready, serve it: the agent's order.</summary>
    /// <exception cref="CommandException">The proxy refused, or did not answer.</exception>
    /// <exception cref="ToolException">The rules could not be applied.</exception>
    public async Task EnrolAsync(
        Pod pod, WorkloadInfo workload, CancellationToken cancellationToken, RuleBackend backend = RuleBackend.Nftables)
    {
        await pod.CaptureAsync(cancellationToken, backend);
        var uid = $"Kubernetes//Pod/{workload.Namespace}/{workload.Name}";
        try
        {
            await _agent.AddAsync(
                new CniPod(uid, workload.Name, workload.Namespace, workload.ServiceAccount, pod.OpenNetns()),
                cancellationToken);
        }
        catch (CniException e)
        {
            throw new CommandException($"{pod.Name} was not enrolled: {e.Message}", e);
        }
    }

    /// <summary>Kills the proxy and stops the agent.</summary>
    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        await _agent.DisposeAsync();
    }

    private static async Task<CniServer> StartAgentAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await CniServer.StartAsync(
                new CniServerOptions { Path = path },
                TimeProvider.System,
                NullLogger<CniServer>.Instance,
                cancellationToken);
        }
        catch (Exception e) when (e is IOException or SocketException or ArgumentException)
        {
            throw new CommandException($"cannot listen on {path}: {e.Message}", e);
        }
    }
}
