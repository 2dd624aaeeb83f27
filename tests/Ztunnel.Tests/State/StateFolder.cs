using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Local;
using Ztunnel.State;
using Ztunnel.Tests.Identity;

namespace Ztunnel.Tests.State;

/// <summary>A <c>STATE_DIR</c> that goes away with the test, and a clock.</summary>
internal sealed class StateFolder : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public StateFolder() => Options = new ProxyOptions { StateDirectory = _directory.Path, NodeName = "node-a" };

    /// <summary>Stands at the present, to the millisecond that the file keeps.</summary>
    public ManualTime Time { get; } =
        new(DateTimeOffset.FromUnixTimeMilliseconds(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()));

    public ProxyOptions Options { get; set; }

    public string Path => _directory.Path;

    public string File => System.IO.Path.Combine(Path, StateStore.FileName);

    public DateTimeOffset Now => Time.GetUtcNow();

    public StateStore Store => new(Options, LocalMesh.Empty, Time);

    public LoadedSnapshot? Load() => Store.Load(MeshSnapshot.Empty(Options.NodeName));

    public StateKeeper NewKeeper(MeshState mesh, Func<DateTimeOffset?>? confirmedAt = null) => new(
        Store,
        null,
        mesh,
        confirmedAt ?? (() => Now),
        Options.StateMaxAge,
        Time,
        NullLogger<StateKeeper>.Instance);

    public void Dispose() => _directory.Dispose();
}
