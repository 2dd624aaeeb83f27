#pragma warning disable IDE0130 // linked into every test project, so no folder names its namespace
namespace Fixtures;

/// <summary>Finds the recorded real input, <c>../shared/fixtures</c> beside the repository.</summary>
internal static class Fixture
{
    /// <summary>Root of the repository: the folder above the test binaries that holds <c>Ztunnel.slnx</c>.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>Absolute path of a fixture; fails with the path when it is missing.</summary>
    public static string PathOf(params ReadOnlySpan<string> parts)
    {
        var path = Path.GetFullPath(Path.Combine([RepositoryRoot, "..", "shared", "fixtures", .. parts]));
        return File.Exists(path) || Directory.Exists(path)
            ? path
            : throw new FileNotFoundException($"fixture {path} is missing: the recordings belong beside the repository");
    }

    /// <summary>Text of a fixture.</summary>
    public static string Read(params ReadOnlySpan<string> parts) => File.ReadAllText(PathOf(parts));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Ztunnel.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName
            ?? throw new DirectoryNotFoundException($"no Ztunnel.slnx above {AppContext.BaseDirectory}");
    }
}
