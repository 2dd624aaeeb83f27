namespace Ztunnel.Demo;

/// <summary>
/// The last lines of one output stream of a child process. Safe for one writer and any number of readers.
/// </summary>
internal sealed class OutputLines
{
    /// <summary>Older lines are forgotten. Enough for the access log of a few thousand connections.</summary>
    private const int Capacity = 20_000;

    private readonly Lock _lock = new();
    private readonly Queue<string> _lines = [];
    private long _count;
    private bool _ended;
    private TaskCompletionSource _changed = NewSignal();

    /// <summary>How many lines have arrived so far: a position to wait from.</summary>
    public long Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    /// <summary>The kept lines that arrived at or after position <paramref name="since"/>, oldest first.</summary>
    public string[] Since(long since)
    {
        lock (_lock)
        {
            var forgotten = _count - _lines.Count;
            return [.. _lines.Skip((int)Math.Clamp(since - forgotten, 0, _lines.Count))];
        }
    }

    /// <summary>
    /// The first line from position <paramref name="since"/> on that matches; <see langword="null"/> when the stream
    /// ended without.
    /// </summary>
    public async Task<string?> FirstAsync(Func<string, bool> matches, long since, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            bool ended;
            long next;
            lock (_lock)
            {
                (changed, ended, next) = (_changed.Task, _ended, _count);
            }

            if (Since(since).FirstOrDefault(matches) is { } line)
            {
                return line;
            }

            if (ended)
            {
                return null;
            }

            since = next;
            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>The same, or <see langword="null"/> when the time is over.</summary>
    public async Task<string?> FirstWithinAsync(
        Func<string, bool> matches, long since, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(limit);
        try
        {
            return await FirstAsync(matches, since, deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>All kept lines as one text.</summary>
    public override string ToString() => string.Join('\n', Since(0));

    /// <summary>Copies the stream until it ends. The process owner's one writer.</summary>
    internal async Task FillAsync(StreamReader reader)
    {
        try
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                Add(line);
            }
        }
        finally
        {
            Change(ended: true);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Add(string line)
    {
        lock (_lock)
        {
            _lines.Enqueue(line);
            _count++;
            if (_lines.Count > Capacity)
            {
                _lines.Dequeue();
            }
        }

        Change(ended: false);
    }

    private void Change(bool ended)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            changed = _changed;
            _changed = NewSignal();
            _ended |= ended;
        }

        changed.SetResult();
    }
}
