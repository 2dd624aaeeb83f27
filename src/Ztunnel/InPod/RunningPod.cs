using Redirection;
using Ztunnel.Mesh;
using Ztunnel.Proxy;

namespace Ztunnel.InPod;

/// <summary>A pod that is served. Owns its namespace, its drain and its server.</summary>
internal sealed class RunningPod(string uid, WorkloadInfo info, Netns netns, Drain drain, IPodServer server)
{
    /// <summary>The Kubernetes UID.</summary>
    public string Uid { get; } = uid;

    public WorkloadInfo Info { get; } = info;

    public Netns Netns { get; } = netns;

    public IPodServer Server { get; } = server;

    /// <summary>Whether the namespace was ever seen with an interface beside the loopback.</summary>
    public bool HadInterface { get; set; }

    /// <summary>How often in a row it was then seen without.</summary>
    public int LooksWithoutInterface { get; set; }

    /// <summary>Accepts nothing new and lets connections finish; completes when they have.</summary>
    public async Task DrainAsync()
    {
        await drain.StartAsync();
        await Server.WhenDrainedAsync();
    }

    /// <summary>Ends what is left.</summary>
    public async Task ForceAsync()
    {
        try
        {
            await drain.ForceAsync();
        }
        catch (ObjectDisposedException)
        {
            // Deleted meanwhile, and over.
        }
    }

    /// <summary>
    /// Ends everything without a goodbye, because the pod's network has gone too. The ports are free when this returns, what
    /// is left is over when the task is.
    /// </summary>
    public Task StopAsync()
    {
        // Accepting ends because of the drain, not because the socket has gone; and nobody waits for what is queued.
        var ended = Task.WhenAll(drain.ForceAsync(), drain.StartAsync());
        Server.CloseListeners();
        return StopAsync(ended);
    }

    private async Task StopAsync(Task ended)
    {
        // A bug in one step must not keep the descriptors and the memory of the others.
        try
        {
            await ended;
            await Server.WhenDrainedAsync();
        }
        finally
        {
            try
            {
                await Server.DisposeAsync();
            }
            finally
            {
                Netns.Dispose();
                drain.Dispose();
            }
        }
    }
}
