using Ztunnel.Mesh;

namespace Ztunnel.Proxy;

/// <summary>The one pod of a dedicated proxy, in whose namespace the process runs.</summary>
internal sealed class DedicatedPod : IServedPods
{
    private readonly Drain _drain = new();
    private readonly PodProxy _pod;

    /// <summary>Binds its listeners.</summary>
    /// <exception cref="ListenException">A port is taken.</exception>
    public DedicatedPod(ProxyServices services, WorkloadInfo info) => _pod = PodProxy.Bind(services, info, _drain);

    /// <inheritdoc/>
    public void Open()
    {
        // There is nobody to ask.
    }

    /// <inheritdoc/>
    public void StartAccepting() => _pod.Start();

    /// <inheritdoc/>
    public async Task DrainAsync()
    {
        await _drain.StartAsync();
        await _pod.WhenDrainedAsync();
    }

    /// <inheritdoc/>
    public Task ForceAsync() => _drain.ForceAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _pod.DisposeAsync();
        _drain.Dispose();
    }
}
