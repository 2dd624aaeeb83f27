namespace Ztunnel.Identity;

/// <summary>
/// Tells that something in a file's directory has changed. The directory and not the file, because Kubernetes swaps a
/// link beside it (<c>..data</c>) to publish a new version. Events that come together are told once.
/// </summary>
/// <remarks>
/// Beside the kernel's events a timer looks by itself: the directory may not exist yet, may be replaced by another one,
/// lie on a file system without events, or the node may have run out of watches.
/// </remarks>
internal sealed class DirectoryWatch : IDisposable
{
    /// <summary>From the first event until it is told.</summary>
    public static readonly TimeSpan Debounce = TimeSpan.FromSeconds(2);

    /// <summary>Between two looks by the timer.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);

    private readonly string _directory;
    private readonly Func<bool> _look;
    private readonly Action _changed;
    private readonly Lock _gate = new();
    private readonly ITimer _debounce;
    private readonly ITimer _looking;
    private FileSystemWatcher? _watcher;
    private bool _pending;
    private bool _disposed;

    /// <summary>Starts to watch.</summary>
    /// <param name="path">A file, existing or not.</param>
    /// <param name="look">Whether the file seems to have changed; called by the timer.</param>
    /// <param name="changed">Called on a thread of the pool.</param>
    /// <param name="time">Clock.</param>
    public DirectoryWatch(string path, Func<bool> look, Action changed, TimeProvider time)
    {
        _directory = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        _look = look;
        _changed = changed;
        _debounce = time.CreateTimer(
            static watch => ((DirectoryWatch)watch!).Tell(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _looking = time.CreateTimer(
            static watch => ((DirectoryWatch)watch!).Look(), this, LookInterval, Timeout.InfiniteTimeSpan);
        Error = Watch();
    }

    /// <summary>Why the kernel's events could not be had at first; null when they could.</summary>
    public string? Error { get; }

    /// <summary>Whether an event waits to be told.</summary>
    public bool IsPending
    {
        get
        {
            lock (_gate)
            {
                return _pending;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _watcher?.Dispose();
        }

        _debounce.Dispose();
        _looking.Dispose();
    }

    /// <summary>Something has changed: it will be told.</summary>
    /// <remarks>Later events do not put it off: a directory that is never quiet is told of all the same.</remarks>
    public void OnEvent()
    {
        lock (_gate)
        {
            if (!_disposed && !_pending)
            {
                _pending = true;
                _debounce.Change(Debounce, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void Tell()
    {
        lock (_gate)
        {
            _pending = false;
            if (_disposed)
            {
                return;
            }
        }

        _changed();
    }

    private void Look()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }
        }

        _ = Watch();
        if (_look())
        {
            OnEvent();
        }

        lock (_gate)
        {
            if (!_disposed)
            {
                _looking.Change(LookInterval, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private string? Watch()
    {
        lock (_gate)
        {
            if (_watcher is not null || _disposed)
            {
                return null;
            }

            FileSystemWatcher? watcher = null;
            try
            {
                watcher = new FileSystemWatcher(_directory);
                watcher.Created += (_, _) => OnEvent();
                watcher.Changed += (_, _) => OnEvent();
                watcher.Renamed += (_, _) => OnEvent();
                watcher.Deleted += (_, _) => OnEvent();
                watcher.Error += (_, _) => OnEvent();
                watcher.EnableRaisingEvents = true;
                _watcher = watcher;
                return null;
            }
            catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
            {
                watcher?.Dispose();
                return e.Message;
            }
        }
    }
}
