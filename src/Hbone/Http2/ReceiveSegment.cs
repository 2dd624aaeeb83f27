using System.Buffers;

namespace Hbone.Http2;

/// <summary>
/// One pooled buffer of decrypted bytes, shared by the read loop that fills it and the streams that still hold slices of
/// it. The last to let go returns it.
/// </summary>
internal sealed class ReceiveSegment
{
    private int _holders = 1;

    /// <summary>Rents a buffer of at least so many bytes; the caller is its first holder.</summary>
    public ReceiveSegment(int length)
    {
        Array = ArrayPool<byte>.Shared.Rent(length);
    }

    /// <summary>The bytes. Valid while held.</summary>
    public byte[] Array { get; }

    /// <summary>One more holder.</summary>
    public void Hold() => Interlocked.Increment(ref _holders);

    /// <summary>One holder less.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            ArrayPool<byte>.Shared.Return(Array);
        }
    }
}
