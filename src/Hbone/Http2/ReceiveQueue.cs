using System.Numerics;
using Hbone.Memory;

namespace Hbone.Http2;

/// <summary>
/// Payload that has arrived on one stream and was not read yet. Long pieces stay where they were decrypted; short ones that
/// nobody waits for are copied together, or each would keep a whole segment for itself while the reader is stalled. While
/// memory is tight everything that nobody waits for is copied, so that what is held is what has arrived.
/// Guarded by the connection's gate.
/// </summary>
internal sealed class ReceiveQueue(MemoryBudget memory)
{
    /// <summary>Shorter pieces are copied, octets.</summary>
    public const int WorthHolding = 32 * 1024;

    /// <summary>Longest buffer that pieces are copied to, octets; the first ones are shorter.</summary>
    public const int CopyLength = 16 * 1024;

    private const int ShortestCopy = 512;

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
    /// <param name="isTight">Whether memory is short.</param>
    public void Append(ReceiveSegment segment, int offset, int length, bool isAwaited, bool isTight)
    {
        if (isAwaited || (!isTight && (length >= WorthHolding || segment == _lastHeld)))
        {
            EnqueueCopied();
            segment.Hold();
            _lastHeld = segment;
            _pieces.Enqueue(StreamRead.Of(segment, offset, length));
            return;
        }

        var piece = segment.Array.AsSpan(offset, length);
        while (!piece.IsEmpty)
        {
            piece = piece[Copy(piece)..];
        }
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

    private int Copy(ReadOnlySpan<byte> piece)
    {
        if (_copied is null)
        {
            // A stream with a byte waiting costs little, one with a megabyte costs a megabyte.
            var length = Math.Clamp((int)BitOperations.RoundUpToPowerOf2((uint)piece.Length), ShortestCopy, CopyLength);
            _copied = new ReceiveSegment(length, memory);
        }

        var copied = Math.Min(piece.Length, _copied.Array.Length - _copiedLength);
        piece[..copied].CopyTo(_copied.Array.AsSpan(_copiedLength));
        _copiedLength += copied;
        if (_copiedLength == _copied.Array.Length)
        {
            EnqueueCopied();
        }

        return copied;
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
