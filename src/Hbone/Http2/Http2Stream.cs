using Hbone.Memory;

namespace Hbone.Http2;

/// <summary>
/// One CONNECT stream (RFC 9113 section 8.5): bytes in both directions, each with its own end. One reader and one writer.
/// </summary>
/// <remarks>All fields are guarded by the connection's gate; the loop that finds a waiter continues it outside.</remarks>
public sealed class Http2Stream
{
    private readonly Http2Connection _connection;
    private readonly ReceiveQueue _received;
    private readonly AsyncSignal _readable = new();
    private readonly AsyncSignal _writable = new();
    private Http2Exception? _failure;
    private TaskCompletionSource? _over;
    private bool _goingAwayUntold;

    internal Http2Stream(Http2Connection connection, int id, int sendWindow, int receiveWindow)
    {
        _connection = connection;
        _received = new ReceiveQueue(connection.Memory);
        Id = id;
        SendWindow = sendWindow;
        ReceiveWindow = receiveWindow;
        TargetWindow = receiveWindow;
    }

    /// <summary>Stream identifier, odd: clients open all streams.</summary>
    public int Id { get; }

    /// <summary>Why the stream was reset; null while it was not.</summary>
    public Http2Exception? Failure
    {
        get
        {
            lock (_connection.Gate)
            {
                return _failure;
            }
        }
    }

    internal AsyncSignal Written { get; } = new();

    internal AsyncSignal Answered { get; } = new();

    internal Http2Exception? FailureUnderGate => _failure;

    internal bool IsReset => _failure is not null;

    /// <summary>Called once, outside the gate, when the stream is over.</summary>
    internal Action? Closed { get; init; }

    /// <summary>A request that was handed out and is neither answered nor reset by us.</summary>
    internal bool IsPending { get; set; }

    internal bool LocalEnded { get; set; }

    internal bool RemoteEnded { get; set; }

    /// <summary>Negative after SETTINGS that narrowed it (RFC 9113 section 6.9.2).</summary>
    internal long SendWindow { get; set; }

    /// <summary>Payload whose credit was gone before it could leave: it waits for more.</summary>
    internal DataFrame? Held { get; set; }

    /// <summary>What the peer may still send. Negative after we have narrowed it.</summary>
    internal int ReceiveWindow { get; set; }

    /// <summary>What our next SETTINGS acknowledgement takes from <see cref="ReceiveWindow"/>.</summary>
    internal int PendingShrink { get; set; }

    /// <summary>What the peer may send beyond what the reader has taken, when nothing is left to take.</summary>
    internal int TargetWindow { get; set; }

    /// <summary>Payload that has arrived and whose credit has not been returned by the reader.</summary>
    internal int Buffered { get; set; }

    /// <summary>Whether our side waits for the peer to let it send, or to read.</summary>
    internal bool IsStalled => _writable.IsArmed || Written.IsArmed;

    /// <summary>
    /// Looks whether the other socket still exists, which nobody reads from while the peer takes nothing. Called now and
    /// then, outside the gate.
    /// </summary>
    internal Action? CheckStalled { get; set; }

    /// <summary>Answer to our request; null until it came.</summary>
    internal ConnectAnswer? Answer { get; set; }

    /// <summary>Takes what has arrived.</summary>
    /// <returns>False when nothing has: wait with <see cref="WaitReadableAsync"/>.</returns>
    public bool TryRead(out StreamRead read)
    {
        lock (_connection.Gate)
        {
            if (_received.TryTake(out read))
            {
                return true;
            }

            // An end that arrived whole stays an end, whatever happened to the stream afterwards.
            read = RemoteEnded ? StreamRead.End : StreamRead.Reset;
            return RemoteEnded || IsReset;
        }
    }

    /// <summary>Completes when <see cref="TryRead"/> has something. One caller at a time.</summary>
    public ValueTask WaitReadableAsync()
    {
        lock (_connection.Gate)
        {
            if (_received.IsEmpty && !IsReset && !RemoteEnded && !_goingAwayUntold)
            {
                return _readable.Arm();
            }

            _goingAwayUntold = false;
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Gives payload back after it has left, which returns its credit to the peer.</summary>
    public void Return(in StreamRead read)
    {
        read.Segment?.Release();
        _connection.ReturnCredit(this, read.OriginalLength);
    }

    /// <summary>
    /// For payload that cannot leave yet: what is left of it, moved to a buffer of its own length when it keeps a much
    /// longer one from being used again.
    /// </summary>
    /// <param name="read">What was read; replaced by what is returned.</param>
    /// <param name="sent">Octets at its start that have left.</param>
    internal StreamRead Keep(in StreamRead read, int sent) => read.Without(sent, _connection.Memory);

    /// <summary>Whether the connection may take further streams.</summary>
    internal bool IsConnectionOpen => _connection.IsOpen;

    /// <summary>
    /// From now on a connection of its own runs inside the stream. Its reader is also woken when the connection outside
    /// is going away, to look at <see cref="IsConnectionOpen"/>.
    /// </summary>
    /// <returns>Completes when the stream is over, whether its bytes were read or not.</returns>
    internal Task CarryConnection()
    {
        lock (_connection.Gate)
        {
            _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
            if (IsReset || (LocalEnded && RemoteEnded))
            {
                _over.SetResult();
            }

            return _over.Task;
        }
    }

    /// <summary>What the buffers of this stream count against.</summary>
    internal MemoryBudget Memory => _connection.Memory;

    /// <summary>Takes send credit of the stream and the connection.</summary>
    /// <param name="wanted">At most this many bytes.</param>
    /// <returns>Bytes granted; 0 when there is no credit: wait with <see cref="WaitWritableAsync"/>.</returns>
    public int TakeCredit(int wanted) => _connection.TakeCredit(this, wanted);

    /// <summary>Gives back credit that was not used.</summary>
    public void GiveBackCredit(int unused) => _connection.GiveBackCredit(this, unused);

    /// <summary>Lets payload wait that was queued and has no credit any more. Called by the write loop, outside the gate.</summary>
    internal void HoldBack(DataFrame rest) => _connection.HoldBack(rest);

    /// <summary>Completes when there may be credit, or the stream was reset.</summary>
    public ValueTask WaitWritableAsync()
    {
        lock (_connection.Gate)
        {
            return IsReset || _connection.HasCredit(this) ? ValueTask.CompletedTask : _writable.Arm();
        }
    }

    /// <summary>
    /// Sends payload for which credit was taken. The buffer is lent until the task completes; the nine octets before the
    /// payload are overwritten. After a reset the payload is dropped.
    /// </summary>
    public ValueTask WriteAsync(byte[] buffer, int offset, int length) =>
        _connection.WriteAsync(new DataFrame(this, buffer, offset, length));

    /// <summary>Sends END_STREAM. Everything written must have completed. Does nothing after a reset or twice.</summary>
    public void CompleteWrites()
    {
        _connection.CompleteWrites(this);
        bool isWatched;
        lock (_connection.Gate)
        {
            // After the peer's end nobody reads: only WaitOverAsync can wait.
            isWatched = RemoteEnded && _readable.Disarm();
        }

        if (isWatched)
        {
            _readable.Fire();
        }
    }

    /// <summary>Sends RST_STREAM and drops what is queued, unless the stream is already over.</summary>
    public void Reset(Http2ErrorCode code) =>
        _connection.Reset(this, new Http2StreamException(Id, code, $"stream {Id} reset by us: {code}"));

    /// <summary>After the peer's end was read: completes when our own direction is over too, or the stream was reset.</summary>
    internal ValueTask WaitOverAsync()
    {
        lock (_connection.Gate)
        {
            return IsReset || LocalEnded ? ValueTask.CompletedTask : _readable.Arm();
        }
    }

    /// <summary>The stream is over. Called outside the gate, once.</summary>
    internal void TellClosed()
    {
        Closed?.Invoke();
        _over?.TrySetResult();
    }

    // The rest is called under the gate; what it puts into toFire runs outside.
    internal void TellGoingAway(List<AsyncSignal> toFire)
    {
        if (_over is not null)
        {
            _goingAwayUntold = !_readable.IsArmed;
            Wake(_readable, toFire);
        }
    }

    internal void Receive(ReceiveSegment segment, int offset, int length, List<AsyncSignal> toFire)
    {
        Buffered += length;
        _received.Append(segment, offset, length, _readable.IsArmed, _connection.Memory.IsTight);
        Wake(_readable, toFire);
    }

    internal void DropReceived() => _received.Clear();

    internal void ReceiveEnd(List<AsyncSignal> toFire)
    {
        RemoteEnded = true;
        Wake(_readable, toFire);
    }

    internal void Credit(List<AsyncSignal> toFire) => Wake(_writable, toFire);

    internal void Fail(Http2Exception failure, bool dropReceived, List<AsyncSignal> toFire)
    {
        _failure ??= failure;
        if (dropReceived)
        {
            _received.Clear();
            Buffered = 0;
        }

        Wake(_readable, toFire);
        Wake(_writable, toFire);
        Wake(Answered, toFire);
    }

    private static void Wake(AsyncSignal signal, List<AsyncSignal> toFire)
    {
        if (signal.Disarm())
        {
            toFire.Add(signal);
        }
    }
}
