using Redirection;
using Ztunnel.Protos.Zds;

namespace Ztunnel.Cni;

/// <summary>A pod that is to be enrolled.</summary>
/// <param name="Uid">Of the Kubernetes pod, or anything else that names this pod among those of the node.</param>
/// <param name="Name">Of the pod.</param>
/// <param name="Namespace">Of the pod, in Kubernetes.</param>
/// <param name="ServiceAccount">That the pod runs as.</param>
/// <param name="Netns">
/// The pod's network namespace. Null when it is not known: proxies are asked to keep what they have of the pod.
/// </param>
internal sealed record CniPod(string Uid, string Name, string Namespace, string ServiceAccount, Netns? Netns)
{
    /// <summary>The message that enrols it, which needs the namespace's descriptor beside it; or the one that keeps it.</summary>
    public WorkloadRequest ToRequest() => Netns is null
        ? new WorkloadRequest { Keep = new KeepWorkload { Uid = Uid } }
        : new WorkloadRequest
        {
            Add = new AddWorkload
            {
                Uid = Uid,
                WorkloadInfo = new WorkloadInfo { Name = Name, Namespace = Namespace, ServiceAccount = ServiceAccount },
            },
        };
}
