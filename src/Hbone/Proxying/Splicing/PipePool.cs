using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Hbone.Proxying.Splicing;

/// <summary>
/// The pipes of a process. A direction holds one only while payload moves or waits in it, so that there are few even with
/// many connections; when there are none to be had, connections are copied. Any thread.
/// </summary>
public sealed class PipePool : IDisposable
{
    // What a pipe is to hold: the most that everybody may ask for (fs.pipe-max-size). The kernel counts 4 KiB for each piece,
    // and pieces of received packets are often smaller. A quarter of it cost a fifth more CPU per byte of an upload.
    private const int Capacity = 1024 * 1024;

    // A user with many pipes gets pipes of one or two pieces (pipe-user-pages-soft of pipe(7)): copying is better.
    private const int SmallestCapacity = 64 * 1024;

    // Two descriptors each. Those of a burst are closed when it is over.
    private const int MostIdle = 16;

    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Stack<SplicePipe> _idle = new(MostIdle);
    private readonly int _most;
    private readonly TimeProvider _time;
    private readonly Action<string>? _unavailable;
    private readonly Factory _create;
    private int _count;
    private long _failedAt;
    private bool _hasFailed;
    private bool _isClosed;
    private long _moved;

    /// <summary>Creates an empty pool.</summary>
    /// <param name="most">Pipes at once, each of two descriptors; at least one.</param>
    /// <param name="time">Clock of the rest after a failure.</param>
    /// <param name="unavailable">Told why there is no pipe, once in a row of failures, and why there will be none.</param>
    public PipePool(int most, TimeProvider time, Action<string>? unavailable = null)
        : this(most, time, unavailable, SplicePipe.TryCreate)
    {
    }

    internal PipePool(int most, TimeProvider time, Action<string>? unavailable, Factory create)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(most);
        _most = most;
        _time = time;
        _unavailable = unavailable;
        _create = create;
    }

    /// <summary>As <see cref="SplicePipe.TryCreate"/>.</summary>
    internal delegate bool Factory(int capacity, [NotNullWhen(true)] out SplicePipe? pipe, out int error);

    /// <summary>Pipes that exist, in use or idle.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Bytes that were moved through pipes so far.</summary>
    public long Moved => Volatile.Read(ref _moved);

    /// <summary>Closes the idle pipes; the others are closed when they come back, and there will be no more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            CloseIdle();
        }
    }

    /// <summary>An empty pipe, to be given back to <see cref="Return"/>; null when there is none, and copying has to do.</summary>
    internal SplicePipe? TryRent()
    {
        lock (_gate)
        {
            if (_idle.TryPop(out var idle))
            {
                return idle;
            }

            if (_isClosed || _count >= _most || (_hasFailed && _time.GetElapsedTime(_failedAt) < Rest))
            {
                return null;
            }

            _count++;
        }

        if (!_create(Capacity, out var pipe, out var error))
        {
            Interlocked.Decrement(ref _count);
            Fail($"cannot make a pipe: {Describe(error)}");
            return null;
        }

        if (pipe.Capacity < SmallestCapacity)
        {
            var capacity = pipe.Capacity;
            Close(pipe);
            Fail($"pipes are limited to {capacity} bytes (fs.pipe-max-size, fs.pipe-user-pages-soft)");
            return null;
        }

        lock (_gate)
        {
            _hasFailed = false;
        }

        return pipe;
    }

    /// <summary>Takes a pipe back. One that is not empty is closed: its bytes are another connection's.</summary>
    internal void Return(SplicePipe pipe, long moved)
    {
        Interlocked.Add(ref _moved, moved);
        if (pipe.Pending == 0)
        {
            lock (_gate)
            {
                if (!_isClosed && _idle.Count < MostIdle)
                {
                    _idle.Push(pipe);
                    return;
                }
            }
        }

        Close(pipe);
    }

    /// <summary>No pipes any more: the system does not let us use them.</summary>
    internal void GiveUp(int error)
    {
        bool isFirst;
        lock (_gate)
        {
            isFirst = !_isClosed;
            CloseIdle();
        }

        if (isFirst)
        {
            _unavailable?.Invoke($"cannot splice out of a socket: {Describe(error)}");
        }
    }

    private static string Describe(int error) => $"{Marshal.GetPInvokeErrorMessage(error)} (os error {error})";

    private void Fail(string reason)
    {
        bool isFirst;
        lock (_gate)
        {
            isFirst = !_hasFailed;
            _hasFailed = true;
            _failedAt = _time.GetTimestamp();
        }

        if (isFirst)
        {
            _unavailable?.Invoke(reason);
        }
    }

    private void CloseIdle()
    {
        _isClosed = true;
        while (_idle.TryPop(out var pipe))
        {
            Close(pipe);
        }
    }

    private void Close(SplicePipe pipe)
    {
        pipe.Dispose();
        Interlocked.Decrement(ref _count);
    }
}
