using Ztunnel.Demo;
using Ztunnel.Mesh;

namespace Node.Tests;

/// <summary>Proxies that serve the one pod whose namespace they run in (<c>PROXY_MODE=dedicated</c>).</summary>
internal static class DedicatedProxy
{
    /// <summary>Starts one without waiting until it serves.</summary>
    /// <param name="pod">Whom it serves.</param>
    /// <param name="workload">What the pod is in Kubernetes.</param>
    /// <param name="variables">Where it has mesh and certificates from, and whatever else it is to know.</param>
    public static Task<ProxyProcess> StartAsync(
        Pod pod, WorkloadInfo workload, IReadOnlyDictionary<string, string?> variables)
    {
        var environment = ProxyProcess.Place(pod);
        environment["PROXY_MODE"] = "dedicated";
        environment["PROXY_WORKLOAD_INFO"] = $"{workload.Namespace}/{workload.Name}/{workload.ServiceAccount}";
        environment["PACKET_MARK"] = "1337"; // what the rules let pass; the default of a shared proxy only
        foreach (var (name, value) in variables)
        {
            environment[name] = value;
        }

        return ProxyProcess.StartAsync(pod, ProxyBinary.Path, environment);
    }
}
