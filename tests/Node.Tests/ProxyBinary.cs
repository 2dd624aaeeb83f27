using Fixtures;

namespace Node.Tests;

/// <summary>The program under test.</summary>
internal static class ProxyBinary
{
    /// <summary>
    /// <c>ZTUNNEL_BINARY</c>, seen from the repository's root, which is the shipped binary in <c>scripts/test.sh</c>; else
    /// the one built with these tests.
    /// </summary>
    public static string Path { get; } = Find();

    private static string Find()
    {
        var path = Environment.GetEnvironmentVariable("ZTUNNEL_BINARY") is { Length: > 0 } chosen
            ? System.IO.Path.GetFullPath(chosen, Fixture.RepositoryRoot)
            : System.IO.Path.Combine(AppContext.BaseDirectory, "ztunnel");
        return File.Exists(path) ? path : throw new FileNotFoundException($"there is no ztunnel to test at {path}");
    }
}
