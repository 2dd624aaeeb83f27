using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Redirection.Rules;
using Ztunnel.Cni;
using Ztunnel.Mesh;

namespace Ztunnel.Demo;

/// <summary>
/// The one proxy of a node, in a pod of its own as the DaemonSet has it, and a stand-in for the node's CNI agent, which
/// enrols pods with it.
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

    /// <summary>
    /// Redirects a pod of the node, then has the proxy, which must be ready, serve it. That is the agent's order:
    /// nothing passes the proxy by.
    /// </summary>
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

    /// <summary>Starts agent and proxy without waiting until the proxy serves.</summary>
    /// <param name="pod">The proxy's own, on the node that it will serve.</param>
    /// <param name="socketPath">Where the agent listens.</param>
    /// <param name="binary">The proxy's executable.</param>
    /// <param name="variables">Where it has mesh and certificates from, and whatever else it is to know.</param>
    /// <param name="cancellationToken">Stops before the start.</param>
    /// <exception cref="CommandException">One of them did not start.</exception>
    internal static async Task<NodeProxy> StartAsync(
        Pod pod,
        string socketPath,
        string binary,
        IReadOnlyDictionary<string, string?> variables,
        CancellationToken cancellationToken)
    {
        var agent = await StartAgentAsync(new CniServerOptions { Path = socketPath }, cancellationToken);
        try
        {
            return new NodeProxy(
                agent, await ProxyProcess.StartAsync(pod, binary, EnvironmentOf(pod, socketPath, variables)));
        }
        catch
        {
            await agent.DisposeAsync();
            throw;
        }
    }

    /// <summary>The environment of the proxy of a node, which is itself a workload of the mesh.</summary>
    /// <param name="pod">The proxy's own.</param>
    /// <param name="socketPath">Where the agent listens.</param>
    /// <param name="variables">Where it has mesh and certificates from, and whatever else it is to know.</param>
    internal static Dictionary<string, string?> EnvironmentOf(
        Pod pod, string socketPath, IReadOnlyDictionary<string, string?> variables)
    {
        var environment = ProxyProcess.Place(pod);
        environment["INPOD_UDS"] = socketPath;
        environment["POD_NAME"] = pod.Name;
        environment["POD_NAMESPACE"] = Namespace;
        environment["SERVICE_ACCOUNT"] = ServiceAccount;
        foreach (var (name, value) in variables)
        {
            environment[name] = value;
        }

        return environment;
    }

    /// <summary>Starts a stand-in for the agent.</summary>
    /// <exception cref="CommandException">It cannot listen.</exception>
    internal static async Task<CniServer> StartAgentAsync(CniServerOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await CniServer.StartAsync(
                options, TimeProvider.System, NullLogger<CniServer>.Instance, cancellationToken);
        }
        catch (Exception e) when (e is IOException or SocketException or ArgumentException)
        {
            throw new CommandException($"cannot listen on {options.Path}: {e.Message}", e);
        }
    }
}
