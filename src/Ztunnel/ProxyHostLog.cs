using Microsoft.Extensions.Logging;

namespace Ztunnel;

/// <summary>Log events of start and stop, ids 1000-1099.</summary>
internal static partial class ProxyHostLog
{
    [LoggerMessage(1000, LogLevel.Information, "version: {Version}")]
    public static partial void Starting(this ILogger<ProxyHost> logger, string version);

    [LoggerMessage(1001, LogLevel.Information, "set file descriptor limits from {Before} to {After}")]
    public static partial void DescriptorLimit(this ILogger<ProxyHost> logger, ulong before, ulong after);

    [LoggerMessage(1002, LogLevel.Warning, "{Warning}")]
    public static partial void ConfigurationWarning(this ILogger<ProxyHost> logger, string warning);

    [LoggerMessage(1003, LogLevel.Information, "received signal {Signal}, starting shutdown")]
    public static partial void SignalReceived(this ILogger<ProxyHost> logger, string signal);

    [LoggerMessage(1004, LogLevel.Information, "received explicit shutdown signal")]
    public static partial void ExplicitShutdown(this ILogger<ProxyHost> logger);

    [LoggerMessage(1005, LogLevel.Warning,
        "drain duration expired with pending connections, forcefully shutting down")]
    public static partial void DrainExpired(this ILogger<ProxyHost> logger);

    [LoggerMessage(1006, LogLevel.Information, "shutdown completed gracefully")]
    public static partial void ShutdownCompleted(this ILogger<ProxyHost> logger);

    [LoggerMessage(1007, LogLevel.Information, "running with config: {Config}")]
    public static partial void EffectiveConfiguration(this ILogger<ProxyHost> logger, string config);

    [LoggerMessage(1010, LogLevel.Information, "TLS key exchange is X25519MLKEM768 only, by {Library}")]
    public static partial void PostQuantumOnly(this ILogger<ProxyHost> logger, string library);
}
