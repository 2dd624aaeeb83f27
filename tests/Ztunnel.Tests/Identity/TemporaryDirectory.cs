namespace Ztunnel.Tests.Identity;

/// <summary>A directory that goes away with the test; its path does not exist at first.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    private readonly DirectoryInfo _parent = Directory.CreateTempSubdirectory("ztunnel-test-");

    public string Path => System.IO.Path.Combine(_parent.FullName, "ca");

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => _parent.Delete(recursive: true);
}
