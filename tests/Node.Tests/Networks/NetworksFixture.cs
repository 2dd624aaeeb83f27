namespace Node.Tests.Networks;

/// <summary>Two networks for a class of tests; who breaks something mends it.</summary>
public class NetworksFixture : IAsyncLifetime
{
    internal TwoNetworks Networks { get; private set; } = null!;

    /// <summary>Further variables of the client's proxy.</summary>
    internal virtual Dictionary<string, string?> Environment => new() { ["TLS_HANDSHAKE_TIMEOUT"] = "2s" };

    public async ValueTask InitializeAsync() =>
        Networks = await TwoNetworks.StartAsync(Environment, CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await Networks.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>The same, every connection with an inner tunnel of its own.</summary>
public sealed class UnsharedNetworksFixture : NetworksFixture
{
    internal override Dictionary<string, string?> Environment => new() { ["POOL_DOUBLE_HBONE"] = "false" };
}
