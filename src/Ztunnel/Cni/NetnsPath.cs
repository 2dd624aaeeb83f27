namespace Ztunnel.Cni;

/// <summary>How operators name network namespaces.</summary>
internal static class NetnsPath
{
    private const string NamedFolder = "/run/netns";

    /// <summary>A path as it is; a name as <c>ip netns</c> keeps it.</summary>
    public static string Of(string nameOrPath) =>
        nameOrPath.Contains('/', StringComparison.Ordinal) ? nameOrPath : Path.Combine(NamedFolder, nameOrPath);
}
