using Hbone;
using Hbone.Tls;
using Microsoft.Extensions.Logging;

namespace Ztunnel.Identity;

/// <summary>
/// Keeps the revocation lists of <c>CRL_PATH</c> in force: reads them at the start and whenever the file changes. A file
/// that cannot be read or decoded changes nothing: the lists read last stay in force.
/// </summary>
/// <remarks>
/// Without any good list so far there is nothing to check against. The proxy serves nevertheless: a damaged optional file
/// would otherwise take all pods of the node off the net. It says so in the log and in a metric until it is repaired.
/// </remarks>
internal sealed class CrlReloader : IDisposable
{
    private readonly string _path;
    private readonly ILogger<CrlReloader> _logger;
    private readonly Lock _gate = new();
    private readonly DirectoryWatch _watch;
    private CrlFile? _last;
    private bool _isMissing;
    private bool _hasLoaded;
    private bool _hasFailed;
    private long _succeeded;
    private long _failed;

    /// <summary>Reads the file and starts to watch it.</summary>
    public CrlReloader(string path, TimeProvider time, ILogger<CrlReloader> logger)
    {
        _path = path;
        _logger = logger;

        // Watched first: a change during the first reading is not lost.
        _watch = new DirectoryWatch(path, HasOtherStamp, Reload, time);
        if (_watch.Error is { } error)
        {
            logger.CannotWatch(path, error, DirectoryWatch.LookInterval);
        }

        Reload();
    }

    /// <summary>What is in force, for the endpoints of the tunnel.</summary>
    public PeerRevocations Peers { get; } = new();

    /// <summary>Whether the file, as it was last seen, is missing or not usable.</summary>
    public bool HasFailed => Volatile.Read(ref _hasFailed);

    /// <summary>Times that new content was put in force.</summary>
    public long Succeeded => Volatile.Read(ref _succeeded);

    /// <summary>Times that the file was found missing or not usable, in a way that is new.</summary>
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>
    /// Before a handshake: a file that was never there is looked for again, so that no connection slips in between its
    /// appearance and the next look of the watch. Costs nothing once it has been read.
    /// </summary>
    public void RetryIfMissing()
    {
        if (Volatile.Read(ref _isMissing) && File.Exists(_path))
        {
            Reload();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _watch.Dispose();

    private void Reload()
    {
        lock (_gate)
        {
            var file = CrlFile.Read(_path);
            if (file.IsSameAs(_last))
            {
                _last = file;
                return;
            }

            _last = file;
            if (file.Lists is { } lists)
            {
                Apply(lists);
            }
            else
            {
                Keep(file);
            }
        }
    }

    private void Apply(RevocationSet lists)
    {
        Volatile.Write(ref _isMissing, false);
        Volatile.Write(ref _hasFailed, false);
        _hasLoaded = true;
        Interlocked.Increment(ref _succeeded);
        _logger.Loaded(_path, lists.Count);
        Peers.Replace(lists);
    }

    private void Keep(CrlFile file)
    {
        var isMissing = file.Stamp is null && !File.Exists(_path);
        Volatile.Write(ref _isMissing, isMissing && !_hasLoaded);
        Volatile.Write(ref _hasFailed, true);
        Interlocked.Increment(ref _failed);
        if (_hasLoaded)
        {
            _logger.Kept(_path, file.Error!, Peers.Current.Count);
        }
        else if (isMissing)
        {
            _logger.Missing(_path);
        }
        else
        {
            _logger.NoneGood(_path, file.Error!);
        }
    }

    private bool HasOtherStamp()
    {
        var stamp = CrlFileStamp.Of(_path);
        lock (_gate)
        {
            return stamp != _last?.Stamp;
        }
    }
}
