using Ztunnel.Mesh.Local;

namespace ControlPlane;

/// <summary>Follows a mesh file: what it says becomes the mesh, a version that cannot be read changes nothing.</summary>
internal sealed class MeshFile
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly string _path;
    private readonly TextWriter _log;
    private byte[] _content;

    private MeshFile(string path, byte[] content, TextWriter log)
    {
        (_path, _content, _log) = (path, content, log);
        Mesh = new PublishedMesh(MeshResources.Of(LocalMeshFile.Load(path)));
    }

    /// <summary>What streams are told of.</summary>
    public PublishedMesh Mesh { get; }

    /// <exception cref="LocalMeshException">There is no mesh in it.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static MeshFile Open(string path, TextWriter log) => new(path, File.ReadAllBytes(path), log);

    /// <summary>Looks ten times a second until the token fires.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                Look();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The end.
        }
    }

    /// <summary>Publishes the file if it is not as it was.</summary>
    internal void Look()
    {
        try
        {
            var content = File.ReadAllBytes(_path);
            if (content.AsSpan().SequenceEqual(_content))
            {
                return;
            }

            _content = content;
            Mesh.Publish(MeshResources.Of(LocalMeshFile.Load(_path)));
            _log.WriteLine($"mesh {Mesh.Current.Number}: read from {_path}");
        }
        catch (Exception e) when (e is LocalMeshException or IOException or UnauthorizedAccessException)
        {
            _log.WriteLine($"mesh {Mesh.Current.Number} stays: {e.Message}");
        }
    }
}
