namespace Ztunnel.Proxy;

/// <summary>The pods of this process: one, or all of the node.</summary>
internal interface IServedPods : IAsyncDisposable
{
    /// <summary>Starts to listen to whoever says which pods there are.</summary>
    void Open();

    /// <summary>Starts to accept connections, of pods that come later too.</summary>
    void StartAccepting();

    /// <summary>Accepts nothing new; completes when the last connection is over.</summary>
    Task DrainAsync();

    /// <summary>Ends what is left.</summary>
    Task ForceAsync();
}
