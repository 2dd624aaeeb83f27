using System.Buffers;

namespace Hbone;

/// <summary>Bytes on their way out that leave together. Holds no memory while empty. Guarded by its owner's lock.</summary>
/// <param name="headRoom">Bytes that stay free at the start of the array.</param>
internal sealed class ByteBatch(int headRoom = 0)
{
    private const int InitialLength = 4 * 1024;

    private byte[]? _array;

    /// <summary>Bytes waiting.</summary>
    public int Length { get; private set; }

    /// <summary>Makes room for so many more bytes at once, so that what follows is copied only once.</summary>
    public void Reserve(int more)
    {
        var needed = headRoom + Length + more;
        if (_array is not null && needed <= _array.Length)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Max(InitialLength, Length * 2)));
        if (_array is { } smaller)
        {
            smaller.AsSpan(headRoom, Length).CopyTo(larger.AsSpan(headRoom));
            ArrayPool<byte>.Shared.Return(smaller);
        }

        _array = larger;
    }

    /// <summary>Copies bytes in.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_array.AsSpan(headRoom + Length));
        Length += bytes.Length;
    }

    /// <summary>
    /// Gives everything, which begins after the head room, to the caller, who returns the array to the shared pool; null
    /// when empty.
    /// </summary>
    public byte[]? Take(out int length)
    {
        var taken = _array;
        length = Length;
        _array = null;
        Length = 0;
        return taken;
    }
}
