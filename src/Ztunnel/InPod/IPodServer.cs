using Redirection;
using Ztunnel.Mesh;
using Ztunnel.Proxy;
using Ztunnel.Telemetry;

namespace Ztunnel.InPod;

/// <summary>What serves one pod. Its listeners are bound when it comes into being.</summary>
internal interface IPodServer : IAsyncDisposable
{
    /// <summary>Connections of the pod, for the dump.</summary>
    ConnectionTable Connections { get; }

    /// <summary>Starts to accept.</summary>
    void Start();

    /// <summary>Closes the listeners before it returns; connections that wait on them are reset.</summary>
    void CloseListeners();

    /// <summary>Completes when the drain has started and the last connection is over.</summary>
    Task WhenDrainedAsync();
}

/// <summary>Binds the listeners of a pod.</summary>
/// <param name="info">The pod.</param>
/// <param name="netns">Its namespace, lent until the server is disposed.</param>
/// <param name="drain">When it has to stop.</param>
/// <exception cref="ListenException">A port is taken.</exception>
internal delegate IPodServer BindPod(WorkloadInfo info, Netns netns, Drain drain);
