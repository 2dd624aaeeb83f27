namespace Node.Tests.Socks;

/// <summary>The topology of the node tests with SOCKS in both pods.</summary>
public sealed class SocksTopology : IAsyncLifetime
{
    public NodeTopology Pods { get; } = new()
    {
        ProxyEnvironment = new()
        {
            ["LOG_FORMAT"] = "json",
            ["UNSTABLE_ENABLE_SOCKS5"] = "true",
        },
    };

    public ValueTask InitializeAsync() => Pods.InitializeAsync();

    public ValueTask DisposeAsync() => Pods.DisposeAsync();
}
