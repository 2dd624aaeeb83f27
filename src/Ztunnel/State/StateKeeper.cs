using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Ztunnel.Mesh;

namespace Ztunnel.State;

/// <summary>
/// Writes the mesh to the disk after it has changed, on a thread of its own: neither the control plane's stream nor a
/// connection ever waits for the disk. What fails is tried again.
/// </summary>
internal sealed class StateKeeper : IAsyncDisposable
{
    /// <summary>From a change to the write that has it in it, when there was none for a while.</summary>
    public static readonly TimeSpan Delay = TimeSpan.FromSeconds(1);

    /// <summary>Least time from a write, or the attempt at one, to the next.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>Longest time without a write while the control plane is there, so that the snapshot's age is right.</summary>
    public static readonly TimeSpan LongestRefresh = TimeSpan.FromMinutes(10);

    /// <summary>What the last write may take when the process ends; a disk that hangs is left behind.</summary>
    public static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    // Writing takes at most this part of the time, so of one processor, however big and busy the mesh is.
    private const int PauseFactor = 50;

    private readonly StateStore _store;
    private readonly MeshState _mesh;
    private readonly Func<DateTimeOffset?> _confirmedAt;
    private readonly TimeSpan _refresh;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
#pragma warning disable CA2213 // see DisposeAsync
    private readonly CancellationTokenSource _stop = new();
#pragma warning restore CA2213
    private Task _running = Task.CompletedTask;
    private string? _lastFailure;
    private long _storedAt; // ticks of the confirmation that is on the disk; 0 for none; read by scrapes
    private long _written;
    private long _failed;

    /// <param name="store">Where to.</param>
    /// <param name="storedAt">When what is there was confirmed; null when it is not usable.</param>
    /// <param name="mesh">What is written.</param>
    /// <param name="confirmedAt">When the control plane last stood behind the mesh.</param>
    /// <param name="maxAge">How old a snapshot may be to be used.</param>
    /// <param name="time">Waits.</param>
    /// <param name="logger">A failure is logged when it begins, changes and ends.</param>
    public StateKeeper(
        StateStore store,
        DateTimeOffset? storedAt,
        MeshState mesh,
        Func<DateTimeOffset?> confirmedAt,
        TimeSpan maxAge,
        TimeProvider time,
        ILogger<StateKeeper> logger)
    {
        _store = store;
        _mesh = mesh;
        _confirmedAt = confirmedAt;
        _refresh = TimeSpan.FromTicks(Math.Min(LongestRefresh.Ticks, Math.Max(Interval.Ticks, maxAge.Ticks / 10)));
        _time = time;
        _logger = logger;
        _storedAt = storedAt?.UtcTicks ?? 0;
        mesh.Observe(_ => _changes.Writer.TryWrite(true));
    }

    /// <summary>When the control plane confirmed what is on the disk; null when nothing usable is.</summary>
    public DateTimeOffset? StoredAt =>
        Volatile.Read(ref _storedAt) is > 0 and var ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    /// <summary>Writes that succeeded.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>Writes that failed.</summary>
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>Begins, once the mesh is complete: half of it would not be worth serving from. Call once.</summary>
    /// <param name="firstSync">Completes then.</param>
    public void Start(Task firstSync) => _running = RunAsync(firstSync);

    /// <summary>Writes what has not been written yet, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        // Not disposed itself: cancelling twice is fine, and it has no timer.
        await _stop.CancelAsync();
        try
        {
            await _running.WaitAsync(StopLimit, _time);
        }
        catch (TimeoutException)
        {
            _logger.LeftBehind(_store.Path, StopLimit);
        }
    }

    private async Task RunAsync(Task firstSync)
    {
        try
        {
            await firstSync.WaitAsync(_stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Both at once: what is complete is written below.
            if (!firstSync.IsCompleted)
            {
                return;
            }
        }

        try
        {
            while (true)
            {
                await WaitForChangeAsync();
                await Task.Delay(Delay, _time, _stop.Token);
                var began = _time.GetTimestamp();
                await SaveAsync();
                var pause = _time.GetElapsedTime(began) * PauseFactor;
                await Task.Delay(pause > Interval ? pause : Interval, _time, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            if (_changes.Reader.TryPeek(out _))
            {
                await SaveAsync();
            }
        }
    }

    private async Task WaitForChangeAsync()
    {
        while (true)
        {
            using var refresh = new CancellationTokenSource(_refresh, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(refresh.Token, _stop.Token);
            try
            {
                await _changes.Reader.WaitToReadAsync(either.Token);
                return;
            }
            catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
            {
                if (_confirmedAt() > StoredAt)
                {
                    return;
                }
            }
        }
    }

    private async Task SaveAsync()
    {
        while (_changes.Reader.TryRead(out _))
        {
            // All that came until now is in the mesh that is taken next.
        }

        var (mesh, confirmedAt) = (_mesh.Current, _confirmedAt() ?? _time.GetUtcNow());
        try
        {
            var isStored = await Task.Factory.StartNew(
                () => _store.Save(mesh, confirmedAt),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
            if (isStored)
            {
                Volatile.Write(ref _storedAt, confirmedAt.UtcTicks);
                Interlocked.Increment(ref _written);
            }

            if (_lastFailure is not null)
            {
                _lastFailure = null;
                _logger.WritingAgain(_store.Path);
            }
        }
        catch (IOException e)
        {
            Interlocked.Increment(ref _failed);
            _changes.Writer.TryWrite(true);
            if (e.Message != _lastFailure)
            {
                _lastFailure = e.Message;
                _logger.NotWritten(e.Message, Interval);
            }
        }
    }
}
