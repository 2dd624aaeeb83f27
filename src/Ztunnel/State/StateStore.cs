using System.Globalization;
using Redirection;
using Ztunnel.Cli;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Local;
using Ztunnel.Protos.State;

namespace Ztunnel.State;

/// <summary>
/// The snapshot of the mesh in <c>STATE_DIR</c>: one file, which is replaced whole. Proxies that share the directory take
/// turns by a lock on it, and the file that the control plane confirmed last stays. Holds no keys.
/// </summary>
/// <param name="options">Needs <see cref="ProxyOptions.StateDirectory"/>.</param>
/// <param name="local">What did not come from the control plane.</param>
/// <param name="time">Age of the snapshot.</param>
internal sealed class StateStore(ProxyOptions options, LocalMesh local, TimeProvider time)
{
    /// <summary>Name of the snapshot.</summary>
    public const string FileName = "mesh.snapshot";

    private const string NewName = "mesh.snapshot.new";

    // What clocks of proxies on one node, and one clock before and after it was set right, may differ by.
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    private readonly string _directory = options.StateDirectory ?? throw new ArgumentException("no directory", nameof(options));

    /// <summary>The file, for messages.</summary>
    public string Path => System.IO.Path.Combine(_directory, FileName);

    /// <summary>Adds the snapshot to a mesh; null when there is none.</summary>
    /// <exception cref="SnapshotException">There is one, but it must not be used.</exception>
    /// <exception cref="IOException">It cannot be read, or others could have written it.</exception>
    public LoadedSnapshot? Load(MeshSnapshot mesh)
    {
        using var directory = PrivateDirectory.Open(_directory);
        using var file = directory.OpenRead(FileName);
        if (file is null)
        {
            return null;
        }

        try
        {
            var reader = new SnapshotReader(file);
            var info = reader.Verify();
            RefuseOthers(info);
            var age = AgeOf(info);
            var (addresses, policies) = (new List<string>(), new List<string>());
            var loaded = SnapshotContent.ReadInto(reader, info, mesh, addresses, policies);
            return new LoadedSnapshot(
                loaded, addresses, policies, ConfirmedAt(info), age > TimeSpan.Zero ? age : TimeSpan.Zero);
        }
        catch (SnapshotException e)
        {
            throw new SnapshotException($"{Path}: {e.Message}", e);
        }
    }

    /// <summary>Writes the mesh, of which only what came from the control plane.</summary>
    /// <param name="mesh">At one moment.</param>
    /// <param name="confirmedAt">When the control plane last stood behind it.</param>
    /// <returns>False when another proxy has written what was confirmed later: that stays.</returns>
    /// <exception cref="IOException">It cannot be written now. What was there before is still there.</exception>
    public bool Save(MeshSnapshot mesh, DateTimeOffset confirmedAt)
    {
        using var directory = PrivateDirectory.Open(_directory);
        if (!directory.TryLock())
        {
            throw new IOException($"{_directory} is being written by another proxy");
        }

        if (IsOlder(directory, confirmedAt))
        {
            return false;
        }

        var info = SnapshotContent.CountInto(
            new SnapshotInfo
            {
                ClusterId = options.ClusterId,
                OnDemand = options.XdsOnDemand,
                ConfirmedAt = confirmedAt.ToUnixTimeMilliseconds(),
                Writer = VersionInfo.Of(options.IstioVersion).Version,
            },
            mesh,
            local);
        try
        {
            using (var file = directory.CreateNew(NewName))
            {
                using var writer = new SnapshotWriter(file);
                writer.Write(info, SnapshotContent.RecordsOf(mesh, local));
                file.Flush(flushToDisk: true);
            }

            directory.Replace(NewName, FileName);
        }
        catch (Exception)
        {
            directory.Remove(NewName); // a full disk gets back what was written
            throw;
        }

        return true;
    }

    // A file that is damaged, or says that it is from the future, is not worth keeping.
    private bool IsOlder(PrivateDirectory directory, DateTimeOffset confirmedAt)
    {
        try
        {
            using var file = directory.OpenRead(FileName);
            if (file is null)
            {
                return false;
            }

            var info = new SnapshotReader(file).ReadInfo();
            RefuseOthers(info);
            AgeOf(info);
            return ConfirmedAt(info) > confirmedAt;
        }
        catch (Exception e) when (e is SnapshotException or IOException)
        {
            return false;
        }
    }

    // The part of a mesh that was asked for on demand is not the mesh: what it lacks would count as outside.
    private void RefuseOthers(SnapshotInfo info)
    {
        if (info.ClusterId != options.ClusterId)
        {
            throw new SnapshotException($"of cluster '{info.ClusterId}', but this is '{options.ClusterId}'");
        }

        if (info.OnDemand != options.XdsOnDemand)
        {
            throw new SnapshotException(info.OnDemand
                ? "of a proxy with XDS_ON_DEMAND, so not of the whole mesh"
                : "of a proxy without XDS_ON_DEMAND");
        }
    }

    private TimeSpan AgeOf(SnapshotInfo info)
    {
        var age = time.GetUtcNow() - ConfirmedAt(info);
        if (age < -Tolerance)
        {
            throw new SnapshotException(
                $"confirmed at {ConfirmedAt(info):u}, which is in the future: the clock was set back, so its age is unknown");
        }

        return age <= options.StateMaxAge
            ? age
            : throw new SnapshotException(string.Create(
                CultureInfo.InvariantCulture,
                $"confirmed at {ConfirmedAt(info):u}, longer ago than STATE_MAX_AGE, {options.StateMaxAge}"));
    }

    private static DateTimeOffset ConfirmedAt(SnapshotInfo info)
    {
        try
        {
            return DateTimeOffset.FromUnixTimeMilliseconds(info.ConfirmedAt);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new SnapshotException("confirmed at a time that does not exist", e);
        }
    }
}
