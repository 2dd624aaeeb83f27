namespace Ztunnel.Config;

/// <summary>What is done about endpoints that cannot be connected to. Immutable.</summary>
internal sealed record FailoverOptions
{
    private static readonly FailoverOptions Defaults = new();

    /// <summary>Whether a connection that fails at one endpoint is tried at another. Default true.</summary>
    /// <remarks>Environment: <c>ENABLE_CONNECT_RETRY</c>.</remarks>
    public bool Retry { get; init; } = true;

    /// <summary>Whether endpoints that fail again and again are passed over for a while. Default true.</summary>
    /// <remarks>Environment: <c>ENABLE_ENDPOINT_EJECTION</c>.</remarks>
    public bool Ejection { get; init; } = true;

    /// <exception cref="ConfigurationException">A value is neither true nor false.</exception>
    public static FailoverOptions Read(EnvironmentReader environment) => new()
    {
        Retry = environment.Bool("ENABLE_CONNECT_RETRY") ?? Defaults.Retry,
        Ejection = environment.Bool("ENABLE_ENDPOINT_EJECTION") ?? Defaults.Ejection,
    };
}
