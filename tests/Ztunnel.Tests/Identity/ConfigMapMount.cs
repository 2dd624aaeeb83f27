using System.Diagnostics;

namespace Ztunnel.Tests.Identity;

/// <summary>
/// A directory in which a file changes as the kubelet changes it: the file is a link into <c>..data</c>, which is a link to
/// a directory of one version and is replaced by renaming another link over it.
/// </summary>
internal sealed class ConfigMapMount(string directory, string file)
{
    private int _version;

    public async Task PublishAsync(string content, CancellationToken cancellationToken)
    {
        _version++;
        var version = Directory.CreateDirectory(Path.Combine(directory, $"..{_version}"));
        await File.WriteAllTextAsync(Path.Combine(version.FullName, file), content, cancellationToken);
        var aside = Path.Combine(directory, "..data_tmp");
        Directory.CreateSymbolicLink(aside, version.Name);

        // File.Move does not take links to directories, Directory.Move does not replace.
        using var rename = Process.Start("mv", ["-T", aside, Path.Combine(directory, "..data")]);
        await rename.WaitForExitAsync(cancellationToken);
        Assert.Equal(0, rename.ExitCode);
        if (_version == 1)
        {
            File.CreateSymbolicLink(Path.Combine(directory, file), Path.Combine("..data", file));
        }
    }
}
