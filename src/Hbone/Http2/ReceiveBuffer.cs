using Hbone.Memory;

namespace Hbone.Http2;

/// <summary>
/// What the read loop has decrypted and not yet cut into frames. Renting starts with the first byte and ends with the
/// last, so that an idle connection holds nothing. Used by the read loop only.
/// </summary>
internal sealed class ReceiveBuffer(int segmentLength, MemoryBudget memory)
{
    private ReceiveSegment? _segment;
    private int _start;
    private int _filled;

    /// <summary>Bytes not yet consumed.</summary>
    public int Unread => _filled - _start;

    /// <summary>Room behind what is there; empty when the segment is full and has to be consumed first.</summary>
    public Span<byte> Free()
    {
        _segment ??= new ReceiveSegment(segmentLength, memory);
        return _segment.Array.AsSpan(_filled, segmentLength - _filled);
    }

    /// <summary>Counts bytes written to <see cref="Free"/>.</summary>
    public void Advance(int written) => _filled += written;

    /// <summary>Drops bytes from the front.</summary>
    public ReadOnlySpan<byte> Take(int wanted)
    {
        var taken = _segment is null ? default : _segment.Array.AsSpan(_start, Math.Min(wanted, Unread));
        _start += taken.Length;
        return taken;
    }

    /// <summary>Drops everything.</summary>
    public void Discard() => Release();

    /// <summary>Feeds the frame reader and makes room. Slices of the segment may be held by streams afterwards.</summary>
    public void Consume(FrameReader frames)
    {
        if (_segment is null)
        {
            return;
        }

        _start += frames.Consume(_segment, _start, Unread);
        if (_filled == segmentLength)
        {
            Renew();
        }
    }

    /// <summary>Lets the segment go when everything in it is consumed.</summary>
    public void ReleaseIfEmpty()
    {
        if (Unread == 0)
        {
            Release();
        }
    }

    /// <summary>Lets the segment go.</summary>
    public void Release()
    {
        _segment?.Release();
        _segment = null;
        _start = 0;
        _filled = 0;
    }

    // Full: what is left of it, the beginning of a frame, moves to the front of the next one.
    private void Renew()
    {
        var next = Unread > 0 ? new ReceiveSegment(segmentLength, memory) : null;
        var left = Unread;
        if (next is not null)
        {
            _segment!.Array.AsSpan(_start, left).CopyTo(next.Array);
        }

        Release();
        _segment = next;
        _filled = left;
    }
}
