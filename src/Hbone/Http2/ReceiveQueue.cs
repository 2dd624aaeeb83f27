namespace Hbone.Http2;

/// <summary>
/// Payload that has arrived on one stream and was not read yet. Long pieces stay where they were decrypted; short ones that
/// nobody waits for are copied together, or each would keep a whole segment for itself while the reader is stalled.
/// Guarded by the connection's gate.
/// </summary>
internal sealed class ReceiveQueue
{
    /// <summary>Shorter pieces are copied, octets; also the length of what they are copied to.</summary>
    public const int WorthHolding = 16 * 1024;

    private readonly Queue<StreamRead> _pieces = new();
    private ReceiveSegment? _lastHeld;
    private ReceiveSegment? _copied;
    private int _copiedLength;

    /// <summary>Nothing is there.</summary>
    public bool IsEmpty => _pieces.Count == 0 && _copied is null;

    /// <summary>Appends a piece of a segment, which is held or copied.</summary>
    /// <param name="segment">Where the piece is; lent.</param>
    /// <param name="offset">First octet.</param>
    /// <param name="length">Octets.</param>
    /// <param name="isAwaited">Whether a reader takes it at once.</param>
    public void Append(ReceiveSegment segment, int offset, int length, bool isAwaited)
    {
        if (length >= WorthHolding || isAwaited || segment == _lastHeld)
        {
            EnqueueCopied();
            segment.Hold();
            _lastHeld = segment;
            _pieces.Enqueue(StreamRead.Of(segment, offset, length));
            return;
        }

        if (_copiedLength + length > WorthHolding)
        {
            EnqueueCopied();
        }

        _copied ??= new ReceiveSegment(WorthHolding);
        segment.Array.AsSpan(offset, length).CopyTo(_copied.Array.AsSpan(_copiedLength));
        _copiedLength += length;
    }

    /// <summary>Takes the oldest piece; the caller returns it.</summary>
    public bool TryTake(out StreamRead piece)
    {
        if (_pieces.Count == 0)
        {
            EnqueueCopied();
        }

        return _pieces.TryDequeue(out piece);
    }

    /// <summary>Drops everything.</summary>
    public void Clear()
    {
        while (TryTake(out var dropped))
        {
            dropped.Segment?.Release();
        }
    }

    private void EnqueueCopied()
    {
        if (_copied is { } copied)
        {
            _pieces.Enqueue(StreamRead.Of(copied, 0, _copiedLength));
            _copied = null;
            _copiedLength = 0;
        }
    }
}
