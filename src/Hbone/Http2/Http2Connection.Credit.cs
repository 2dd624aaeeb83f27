namespace Hbone.Http2;

/// <summary>What we may send: the peer's windows (RFC 9113 section 5.2), and how much may wait for it to read.</summary>
public sealed partial class Http2Connection
{
    // Payload that may wait for the peer to read at all, however wide its windows are.
    private int SendQueueLimit => _role.Options.ConnectionMemory / 16;

    private bool CanSend => _sendWindow > 0 && _sendQueued < SendQueueLimit;

    internal int TakeCredit(Http2Stream stream, int wanted)
    {
        lock (Gate)
        {
            if (stream.IsReset)
            {
                return 0;
            }

            var window = Math.Min(Math.Min(stream.SendWindow, _sendWindow), SendQueueLimit - _sendQueued);
            var granted = (int)Math.Max(0L, Math.Min(wanted, window));
            stream.SendWindow -= granted;
            _sendWindow -= granted;
            _sendQueued += granted;
            return granted;
        }
    }

    internal void GiveBackCredit(Http2Stream stream, int unused)
    {
        if (unused == 0)
        {
            return;
        }

        List<AsyncSignal>? toFire = null;
        lock (Gate)
        {
            stream.SendWindow += unused;
            _sendWindow += unused;
            _sendQueued -= unused;
            if (_blocked.Count > 0)
            {
                WakeBlocked(toFire = []);
            }
        }

        if (toFire is not null)
        {
            Fire(toFire);
        }
    }

    // Under the gate: a stream that waits for the connection's window, or for what is queued to leave, is remembered.
    internal bool HasCredit(Http2Stream stream)
    {
        if (stream.SendWindow > 0 && !CanSend)
        {
            _blocked.Add(stream);
        }

        return stream.SendWindow > 0 && CanSend;
    }

    // Called under the gate when payload leaves the queue; what is returned has to be fired outside.
    private List<AsyncSignal>? OnDequeued(int length)
    {
        var wasFull = _sendQueued >= SendQueueLimit;
        _sendQueued -= length;
        if (_blocked.Count == 0 || !CanSend || (!wasFull && _sendQueued > SendQueueLimit / 2))
        {
            return null;
        }

        var toFire = new List<AsyncSignal>();
        WakeBlocked(toFire);
        return toFire;
    }

    internal void HoldBack(DataFrame rest)
    {
        lock (Gate)
        {
            rest.Stream.Held = rest;
            ReleaseHeld(rest.Stream);
        }
    }

    // Under the gate: what was held back is queued again when some of it may leave, or when its stream is over.
    private void ReleaseHeld(Http2Stream stream)
    {
        if (stream.Held is { } held && (stream.IsReset || stream.SendWindow + held.Length > 0))
        {
            stream.Held = null;
            _sendQueued += held.Length;
            _writes.Append(held);
        }
    }

    // False when the window would leave its 31 bits.
    private bool TryWiden(Http2Stream stream, long change)
    {
        stream.SendWindow += change;
        ReleaseHeld(stream);
        if (stream.SendWindow is > 0 and <= int.MaxValue)
        {
            stream.Credit(_toFire);
        }

        return stream.SendWindow <= int.MaxValue;
    }

    private void WidenConnection(int increment)
    {
        _sendWindow += increment;
        if (_sendWindow > int.MaxValue)
        {
            throw new Http2ConnectionException(Http2ErrorCode.FlowControlError, "send window beyond 2^31-1");
        }

        WakeBlocked(_toFire);
    }

    private void WakeBlocked(List<AsyncSignal> toFire)
    {
        if (!CanSend)
        {
            return;
        }

        foreach (var stream in _blocked)
        {
            stream.Credit(toFire);
        }

        _blocked.Clear();
    }
}
