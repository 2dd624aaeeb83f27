namespace Hbone.Http2;

/// <summary>What <see cref="FrameReader"/> found, in wire order. Spans are lent until the call returns.</summary>
internal interface IFrameHandler
{
    /// <summary>A DATA frame begins; its whole payload counts against the windows (RFC 9113 section 6.9).</summary>
    /// <param name="streamId">Its stream.</param>
    /// <param name="payloadLength">Octets, padding included.</param>
    /// <param name="isUseless">It carries nothing and ends nothing.</param>
    void OnData(int streamId, int payloadLength, bool isUseless);

    /// <summary>Octets of a DATA frame that are no payload: padding and its length.</summary>
    void OnPadding(int streamId, int length);

    /// <summary>A piece of a DATA frame's payload; hold the segment to keep it.</summary>
    void OnPayload(int streamId, ReceiveSegment segment, int offset, int length);

    /// <summary>A DATA frame with END_STREAM is complete.</summary>
    void OnEndStream(int streamId);

    /// <summary>A HEADERS frame begins.</summary>
    void OnHeaders(int streamId, bool endStream);

    /// <summary>A piece of the header block of HEADERS and the CONTINUATIONs that follow it.</summary>
    void OnHeaderFragment(ReadOnlySpan<byte> fragment);

    /// <summary>The header block is complete.</summary>
    void OnHeadersEnd(int streamId);

    /// <summary>RST_STREAM.</summary>
    void OnReset(int streamId, Http2ErrorCode code);

    /// <summary>SETTINGS without ACK.</summary>
    void OnSettings(ReadOnlySpan<byte> payload);

    /// <summary>SETTINGS with ACK.</summary>
    void OnSettingsAck();

    /// <summary>PING.</summary>
    void OnPing(ReadOnlySpan<byte> opaque, bool ack);

    /// <summary>GOAWAY, without its debug data.</summary>
    void OnGoAway(int lastStreamId, Http2ErrorCode code);

    /// <summary>WINDOW_UPDATE; stream 0 is the connection, an increment of 0 is an error.</summary>
    void OnWindowUpdate(int streamId, int increment);

    /// <summary>A frame that is skipped: PRIORITY, or of a type that is not known (RFC 9113 section 5.5).</summary>
    void OnIgnored();
}
