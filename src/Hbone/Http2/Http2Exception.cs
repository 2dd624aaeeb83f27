namespace Hbone.Http2;

/// <summary>Something on an HTTP/2 connection went wrong; the type says what dies of it.</summary>
public abstract class Http2Exception(Http2ErrorCode code, string message, Exception? innerException)
    : Exception(message, innerException)
{
    /// <summary>What the peer is, or was, told.</summary>
    public Http2ErrorCode Code { get; } = code;
}

/// <summary>The whole connection ends: sent as GOAWAY (RFC 9113 section 5.4.1), or received, or the transport broke.</summary>
public sealed class Http2ConnectionException(Http2ErrorCode code, string message, Exception? innerException = null)
    : Http2Exception(code, message, innerException)
{
    /// <summary>Whether we ended it because the peer's certificate was revoked while it lived.</summary>
    public bool IsPeerRevoked { get; init; }

    /// <summary>Whether we ended it because the peer did not answer a ping in time.</summary>
    public bool IsPingTimeout { get; init; }
}

/// <summary>One stream ends: sent or received as RST_STREAM (RFC 9113 section 5.4.2).</summary>
public sealed class Http2StreamException(int streamId, Http2ErrorCode code, string message)
    : Http2Exception(code, message, innerException: null)
{
    /// <summary>The stream that ended.</summary>
    public int StreamId { get; } = streamId;
}
