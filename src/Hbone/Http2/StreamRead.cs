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
    private StreamRead(StreamReadKind kind, ReceiveSegment? segment, ReadOnlyMemory<byte> data)
    {
        Kind = kind;
        Segment = segment;
        Data = data;
    }

    /// <summary>What it is.</summary>
    public StreamReadKind Kind { get; }

    /// <summary>Payload; empty unless <see cref="Kind"/> is <see cref="StreamReadKind.Data"/>.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    internal ReceiveSegment? Segment { get; }

    internal static StreamRead End { get; } = new(StreamReadKind.End, null, default);

    internal static StreamRead Reset { get; } = new(StreamReadKind.Reset, null, default);

    internal static StreamRead Of(ReceiveSegment segment, int offset, int length) =>
        new(StreamReadKind.Data, segment, segment.Array.AsMemory(offset, length));
}
