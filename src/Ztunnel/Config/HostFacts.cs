namespace Ztunnel.Config;

/// <summary>What options depend on besides the environment. Tests give their own.</summary>
/// <param name="LogicalCores">Processors that this process may use. At least 1.</param>
/// <param name="FileExists">Whether a path names a file now.</param>
internal sealed record HostFacts(int LogicalCores, Func<string, bool> FileExists)
{
    /// <summary>This machine.</summary>
    public static HostFacts OfThisMachine { get; } = new(Environment.ProcessorCount, File.Exists);
}
