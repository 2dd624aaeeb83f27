namespace Ztunnel.Telemetry;

/// <summary>
/// Lines on their way to a stream that may be slow. Adding never waits: when the reader of the stream falls behind by
/// <see cref="Capacity"/> bytes, lines are dropped and counted. One thread writes whatever has gathered in one call.
/// </summary>
internal sealed class LogQueue : IDisposable
{
    /// <summary>Bytes that may wait: about 10,000 access lines, the reference's limit.</summary>
    public const int Capacity = 4 * 1024 * 1024;

    private const int InitialBuffer = 4 * 1024;
    private const int MaxKeptBuffer = 64 * 1024;
    private const int StackSize = 256 * 1024;

    private readonly Stream _output;
    private readonly Func<long, byte[]> _describeDropped;
    private readonly TimeSpan _flushTimeout;
    private readonly AutoResetEvent _wake = new(initialState: false);
    private readonly Thread _writer;
    private readonly Lock _lock = new();

    // Under _lock.
    private byte[] _waiting = new byte[InitialBuffer];
    private int _length;
    private int _lines;
    private long _dropped;
    private bool _completed;

    /// <summary>Starts the writing thread.</summary>
    /// <param name="output">Given: disposed with this object.</param>
    /// <param name="describeDropped">Makes the line that says how many lines were dropped since the last such
    /// line.</param>
    /// <param name="flushTimeout">How long <see cref="Dispose"/> waits for a slow stream.</param>
    public LogQueue(Stream output, Func<long, byte[]> describeDropped, TimeSpan flushTimeout)
    {
        _output = output;
        _describeDropped = describeDropped;
        _flushTimeout = flushTimeout;

        // A thread of its own, because writing to a full pipe blocks and the thread pool has as few threads as CPUs.
        _writer = new Thread(WriteAll, StackSize) { IsBackground = true, Name = "log" };
        _writer.Start();
    }

    /// <summary>Lines lost so far: there was no room, or the stream is broken.</summary>
    public long Dropped
    {
        get
        {
            lock (_lock)
            {
                return _dropped;
            }
        }
    }

    /// <summary>Copies a line, or counts it as dropped.</summary>
    public void Add(ReadOnlySpan<byte> line)
    {
        lock (_lock)
        {
            if (_completed || line.Length > Capacity - _length)
            {
                _dropped++;
                return;
            }

            if (line.Length > _waiting.Length - _length)
            {
                Array.Resize(ref _waiting, Math.Max(_waiting.Length * 2, _length + line.Length));
            }

            line.CopyTo(_waiting.AsSpan(_length));
            _length += line.Length;
            if (_lines++ == 0)
            {
                _wake.Set(); // for later lines the writer is awake already
            }
        }
    }

    /// <summary>Writes what waits, within the time limit. Lines that come later are dropped.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_completed)
            {
                return;
            }

            _completed = true;
            _wake.Set();
        }

        if (_writer.Join(_flushTimeout))
        {
            _wake.Dispose();
            _output.Dispose();
        }
    }

    private void WriteAll()
    {
        var batch = new byte[InitialBuffer];
        var reported = 0L;
        bool completed;
        do
        {
            _wake.WaitOne();
            int length, lines;
            long dropped;
            lock (_lock)
            {
                (_waiting, batch) = (batch, _waiting);
                (length, lines, dropped, completed) = (_length, _lines, _dropped, _completed);
                (_length, _lines) = (0, 0);
            }

            Write(batch.AsSpan(0, length), lines);
            if (dropped > reported && Write(_describeDropped(dropped - reported), lines: 0))
            {
                reported = dropped;
            }

            if (batch.Length > MaxKeptBuffer)
            {
                batch = new byte[InitialBuffer];
            }
        }
        while (!completed);
    }

    private bool Write(ReadOnlySpan<byte> batch, int lines)
    {
        try
        {
            _output.Write(batch);
            _output.Flush();
            return true;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Nobody reads our output any more, and there is nowhere else to say so.
            lock (_lock)
            {
                _dropped += lines;
            }

            return false;
        }
    }
}
