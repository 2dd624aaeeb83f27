using Redirection;
using Ztunnel.Mesh;

namespace Ztunnel.InPod;

/// <summary>What istio-cni wants (proto <c>istio.workload.zds.WorkloadRequest</c>).</summary>
internal abstract record ZdsRequest
{
    private ZdsRequest()
    {
    }

    /// <summary>Serve a pod.</summary>
    /// <param name="Uid">The Kubernetes UID of the pod.</param>
    /// <param name="Info">Its name, namespace and service account; null when they were left out.</param>
    /// <param name="Netns">Its network namespace; whoever takes the request takes it over.</param>
    public sealed record Add(string Uid, WorkloadInfo? Info, Netns Netns) : ZdsRequest;

    /// <summary>Serve a pod, with something that is not a network namespace.</summary>
    /// <param name="Uid">The Kubernetes UID of the pod.</param>
    /// <param name="Reason">What is wrong with it.</param>
    public sealed record AddWithoutNetns(string Uid, string Reason) : ZdsRequest;

    /// <summary>The pod is part of the snapshot, whether or not we know it.</summary>
    public sealed record Keep(string Uid) : ZdsRequest;

    /// <summary>The pod has gone.</summary>
    public sealed record Delete(string Uid) : ZdsRequest;

    /// <summary>Every pod of the node was named on this connection.</summary>
    public sealed record SnapshotSent : ZdsRequest;
}

/// <summary>A packet of istio-cni that is not a request; the message says why.</summary>
internal sealed class ZdsException(string message, Exception? innerException = null) : Exception(message, innerException);
