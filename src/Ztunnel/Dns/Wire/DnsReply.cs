using System.Buffers;

namespace Ztunnel.Dns.Wire;

/// <summary>Octets of an answer in a rented array. Whoever holds it disposes it, once.</summary>
internal sealed class DnsReply : IDisposable
{
    private byte[] _buffer = [];

    /// <summary>Octets of the answer.</summary>
    public int Length { get; private set; }

    /// <summary>The answer; lent until the next change.</summary>
    public Memory<byte> Memory => _buffer.AsMemory(0, Length);

    /// <summary>The answer; lent until the next change.</summary>
    public Span<byte> Span => _buffer.AsSpan(0, Length);

    /// <summary>Room for an answer of that length, whose octets are anything.</summary>
    public Span<byte> Begin(int length)
    {
        if (_buffer.Length < length)
        {
            Dispose();
            _buffer = ArrayPool<byte>.Shared.Rent(length);
        }

        Length = length;
        return Span;
    }

    /// <summary>Leaves so much of the front.</summary>
    public void CutTo(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
            Length = 0;
        }
    }
}
