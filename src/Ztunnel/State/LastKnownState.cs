using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Local;
using Ztunnel.Xds;

namespace Ztunnel.State;

/// <summary>
/// The last known good mesh: loaded at start, served from when the control plane does not answer, corrected by its first
/// answer, and kept up to date on the disk from then on.
/// </summary>
/// <remarks>
/// Keys and certificates are never written. A proxy that starts while its CA is away as well serves plaintext, under the
/// policies of the snapshot; HBONE connections fail until the CA answers.
/// </remarks>
internal sealed class LastKnownState : IAsyncDisposable
{
    private readonly ProxyOptions _options;
    private readonly StateStore _store;
    private readonly DateTimeOffset? _loadedAt;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private LoadedSnapshot? _loaded; // let go of once it is in the mesh
    private StateKeeper? _keeper;
    private Task _firstSync = Task.CompletedTask;

    private LastKnownState(
        ProxyOptions options, StateStore store, LoadedSnapshot? loaded, TimeProvider time, ILogger logger)
    {
        _options = options;
        _store = store;
        _loaded = loaded;
        _loadedAt = loaded?.ConfirmedAt;
        _time = time;
        _logger = logger;
    }

    /// <summary>Whether the control plane has not answered yet, so that the mesh is the snapshot's.</summary>
    public bool IsFromSnapshot => _loadedAt is not null && !_firstSync.IsCompleted;

    /// <summary>When the control plane stood behind what is on the disk; null when nothing usable is.</summary>
    public DateTimeOffset? StoredAt => _keeper is { } keeper ? keeper.StoredAt : _loadedAt;

    /// <summary>Writes that succeeded.</summary>
    public long Written => _keeper?.Written ?? 0;

    /// <summary>Writes that failed.</summary>
    public long Failed => _keeper?.Failed ?? 0;

    /// <summary>
    /// Loads the snapshot; null without <c>STATE_DIR</c> or without a control plane. A snapshot that must not be used is
    /// logged, and then it is as if there was none.
    /// </summary>
    public static LastKnownState? Load(
        ProxyOptions options, LocalMesh local, TimeProvider time, ILogger<LastKnownState> logger)
    {
        if (options is not { StateDirectory: not null, XdsAddress: not null })
        {
            return null;
        }

        var store = new StateStore(options, local, time);
        LoadedSnapshot? loaded = null;
        try
        {
            loaded = store.Load(local.ApplyTo(MeshSnapshot.Empty(options.NodeName)));
            if (loaded is null)
            {
                logger.Missing(store.Path);
            }
            else
            {
                logger.Loaded(
                    store.Path, Text(loaded.ConfirmedAt), loaded.Age, loaded.Addresses.Count, loaded.Policies.Count);
            }
        }
        catch (Exception e) when (e is SnapshotException or IOException)
        {
            logger.Refused(e.Message);
        }

        return new LastKnownState(options, store, loaded, time, logger);
    }

    /// <summary>The mesh to start with: that of the snapshot, else <paramref name="otherwise"/>.</summary>
    public MeshSnapshot InitialMesh(MeshSnapshot otherwise) => _loaded?.Mesh ?? otherwise;

    /// <summary>Lets a client go on from the snapshot, and keeps what it says. Before the client is started, once.</summary>
    public void Attach(XdsClient client, MeshState mesh, ILogger<StateKeeper> logger)
    {
        if (_loaded is { } loaded)
        {
            client.Resume(loaded.Addresses, loaded.Policies);
        }

        _loaded = null;
        _firstSync = client.FirstSync;
        _keeper = new StateKeeper(
            _store, _loadedAt, mesh, () => client.ConfirmedAt, _options.StateMaxAge, _time, logger);
        _keeper.Start(_firstSync);
    }

    /// <summary>
    /// Completes when there is a mesh to serve from: the control plane has answered, or it has not within
    /// <c>STATE_SYNC_WAIT</c> and there is a snapshot.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public async Task WaitUntilKnownAsync(CancellationToken cancellationToken)
    {
        if (_loadedAt is not { } loadedAt)
        {
            await _firstSync.WaitAsync(cancellationToken);
            return;
        }

        try
        {
            await _firstSync.WaitAsync(_options.StateSyncWait, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            _logger.ServingFromSnapshot(_options.StateSyncWait, Text(loadedAt));
        }
    }

    /// <summary>Logs that the control plane is back, after it was not there at start.</summary>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public async Task LogReplacementAsync(CancellationToken cancellationToken)
    {
        if (IsFromSnapshot)
        {
            await _firstSync.WaitAsync(cancellationToken);
            _logger.Replaced();
        }
    }

    /// <summary>Writes the object <c>stateSnapshot</c> of <c>/config_dump</c> as the next value.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("confirmedAt", StoredAt is { } at ? Text(at) : null);
        json.WriteBoolean("inUse", IsFromSnapshot);
        json.WriteString("path", _store.Path);
        json.WriteEndObject();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _keeper?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static string Text(DateTimeOffset time) => time.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
