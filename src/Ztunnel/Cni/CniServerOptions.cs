namespace Ztunnel.Cni;

/// <summary>Where Istio's CNI agent listens for proxies, and how patient it is. Immutable; the defaults are the agent's.</summary>
internal sealed record CniServerOptions
{
    /// <summary>Where the chart mounts the socket into the proxy's pod.</summary>
    public const string DefaultPath = "/var/run/ztunnel/ztunnel.sock";

    /// <summary>Path of the socket. A stale one is replaced.</summary>
    public string Path { get; init; } = DefaultPath;

    /// <summary>How long an accepted connection may take to say hello. Default 5 s.</summary>
    public TimeSpan HelloTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a message waits for its ack. Default 5 s.</summary>
    public TimeSpan AckTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Time without messages after which a connection is looked at. Default 5 s.</summary>
    public TimeSpan IdleCheckInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long that look takes when nothing is wrong. Default 10 ms.</summary>
    public TimeSpan IdleCheckTimeout { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Least time between two connections that are accepted. Default 200 ms, five in a second.</summary>
    public TimeSpan AcceptInterval { get; init; } = TimeSpan.FromMilliseconds(200);
}
