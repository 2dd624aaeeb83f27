using System.Buffers;
using Hbone.Memory;

namespace Hbone.Http2;

/// <summary>
/// One pooled buffer of decrypted bytes, shared by the read loop that fills it and the streams that still hold slices of
/// it. The last to let go returns it. Its whole length counts against the connection's budget meanwhile.
/// </summary>
internal sealed class ReceiveSegment
{
    private readonly MemoryBudget _memory;
    private int _holders = 1;

    /// <summary>Rents a buffer of at least so many bytes; the caller is its first holder.</summary>
    public ReceiveSegment(int length, MemoryBudget memory)
    {
        Array = ArrayPool<byte>.Shared.Rent(length);
        _memory = memory;
        memory.Charge(Array.Length);
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
            _memory.Release(Array.Length);
            ArrayPool<byte>.Shared.Return(Array);
        }
    }
}
