using Hbone.Memory;

namespace Hbone.Http2;

/// <summary>What comes next on a stream's receiving side.</summary>
public enum StreamReadKind
{
    /// <summary>Payload.</summary>
    Data,

    /// <summary>END_STREAM: nothing follows.</summary>
    End,

    /// <summary>RST_STREAM, or the connection broke: what followed is lost.</summary>
    Reset,
}

/// <summary>
/// One read of a stream. Payload is lent until it is given back with <see cref="Http2Stream.Return"/>, which also lets the
/// peer send as much again.
/// </summary>
public readonly struct StreamRead
{
    // A segment this much longer than what is wanted of it is not kept for it.
    private const int MaxWaste = 2;

    private StreamRead(StreamReadKind kind, ReceiveSegment? segment, ReadOnlyMemory<byte> data, int originalLength)
    {
        Kind = kind;
        Segment = segment;
        Data = data;
        OriginalLength = originalLength;
    }

    /// <summary>What it is.</summary>
    public StreamReadKind Kind { get; }

    /// <summary>Payload; empty unless <see cref="Kind"/> is <see cref="StreamReadKind.Data"/>.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    internal ReceiveSegment? Segment { get; }

    /// <summary>Octets that arrived: the credit to return, whatever has left of them already.</summary>
    internal int OriginalLength { get; }

    internal static StreamRead End { get; } = new(StreamReadKind.End, null, default, 0);

    internal static StreamRead Reset { get; } = new(StreamReadKind.Reset, null, default, 0);

    internal static StreamRead Of(ReceiveSegment segment, int offset, int length) =>
        new(StreamReadKind.Data, segment, segment.Array.AsMemory(offset, length), length);

    internal StreamRead Without(int sent, MemoryBudget memory)
    {
        var left = Data[sent..];
        if (Segment is not { } segment || segment.Array.Length <= left.Length * MaxWaste)
        {
            return new StreamRead(Kind, Segment, left, OriginalLength);
        }

        var own = new ReceiveSegment(left.Length, memory);
        left.CopyTo(own.Array);
        segment.Release();
        return new StreamRead(Kind, own, own.Array.AsMemory(0, left.Length), OriginalLength);
    }
}
