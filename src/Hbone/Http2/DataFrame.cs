namespace Hbone.Http2;

/// <summary>
/// Payload of one stream, lent to the write loop until <see cref="Http2Stream.Written"/> fires.
/// </summary>
/// <param name="Stream">Whose payload it is; its credit is already taken.</param>
/// <param name="Array">The buffer; the nine octets before <paramref name="Offset"/> are free for the frame header.</param>
/// <param name="Offset">First octet of payload, at least <see cref="FrameHeader.Length"/>.</param>
/// <param name="Length">Octets of payload.</param>
internal readonly record struct DataFrame(Http2Stream Stream, byte[] Array, int Offset, int Length)
{
    /// <summary>
    /// Takes off the end what the stream has no credit for any more: SETTINGS that were acknowledged after it was taken
    /// left less (RFC 9113 section 6.9.2). Called under the gate, with every acknowledgement before it written.
    /// </summary>
    /// <param name="rest">What has to wait, or nothing.</param>
    /// <returns>What may leave, or nothing.</returns>
    public DataFrame Affordable(out DataFrame rest)
    {
        var missing = (int)Math.Clamp(-Stream.SendWindow, 0, Length);
        rest = this with { Offset = Offset + Length - missing, Length = missing };
        return this with { Length = Length - missing };
    }

    /// <summary>
    /// Writes the payload as one or, if the peer takes less, several DATA frames. Each header stands in place before its
    /// payload, over octets that have already been written.
    /// </summary>
    public void Write(ITransport transport, int maxFrameSize)
    {
        var offset = Offset;
        var left = Length;
        while (left > 0)
        {
            var length = Math.Min(left, maxFrameSize);
            var frame = Array.AsSpan(offset - FrameHeader.Length, FrameHeader.Length + length);
            new FrameHeader(length, FrameType.Data, 0, Stream.Id).Write(frame);
            transport.Write(frame);
            offset += length;
            left -= length;
        }
    }
}
