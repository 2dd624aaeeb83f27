using System.Buffers;
using Hbone.Memory;

namespace Hbone.Proxying;

/// <summary>
/// The buffer of one reading direction: small while little flows, larger with every threshold passed, rented only while
/// there is something to read. The array has room for a frame header in front of the payload, and counts against a budget
/// while it is rented; while that is tight, it stays small.
/// </summary>
internal struct CopyBuffer(MemoryBudget memory)
{
    /// <summary>Octets kept free before the payload.</summary>
    public const int HeadRoom = 9;

    // Header and payload together are a power of two: whole TLS records, and whole buckets of the array pool.
    private const int Small = 4 * 1024;
    private const int Medium = 16 * 1024;
    private const int Large = 128 * 1024;
    private const long MediumAfter = 128 * 1024;
    private const long LargeAfter = 2 * 1024 * 1024;

    private byte[]? _array;
    private long _total;

    /// <summary>Payload that the next read may bring.</summary>
    public readonly int PayloadLength => _total switch
    {
        < MediumAfter => Small,
        _ when memory.IsTight => Small,
        < LargeAfter => Medium,
        _ => Large,
    } - HeadRoom;

    /// <summary>The array, rented if need be.</summary>
    public byte[] Rent()
    {
        var length = PayloadLength + HeadRoom;
        if (_array is { } array && array.Length >= length)
        {
            return array;
        }

        Return();
        _array = ArrayPool<byte>.Shared.Rent(length);
        memory.Charge(_array.Length);
        return _array;
    }

    /// <summary>Counts what was read.</summary>
    public void Add(int read) => _total += read;

    /// <summary>Lets the array go.</summary>
    public void Return()
    {
        if (_array is { } array)
        {
            _array = null;
            memory.Release(array.Length);
            ArrayPool<byte>.Shared.Return(array);
        }
    }
}
