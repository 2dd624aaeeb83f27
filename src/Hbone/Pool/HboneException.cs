namespace Hbone.Pool;

/// <summary>A tunnel that could not be opened; the type says at which step.</summary>
public abstract class HboneException(string message, Exception? innerException) : Exception(message, innerException);

/// <summary>The TCP connection to the peer failed or took too long.</summary>
public sealed class HboneConnectException(string message, Exception innerException, bool timedOut)
    : HboneException(message, innerException)
{
    /// <summary>Whether nothing answered, as behind a NetworkPolicy that drops port 15008.</summary>
    public bool TimedOut { get; } = timedOut;
}

/// <summary>The TLS handshake failed: the peer's certificate, or its opinion of ours.</summary>
public sealed class HboneTlsException(string message, Exception innerException) : HboneException(message, innerException);

/// <summary>HTTP/2 broke or the stream was reset before the answer.</summary>
public sealed class HboneProtocolException(string message, Exception innerException)
    : HboneException(message, innerException)
{
    /// <summary>
    /// Whether the peer has provably not acted on the CONNECT: it was never sent, or refused with <c>REFUSED_STREAM</c> or
    /// by a GOAWAY that does not cover it (RFC 9113 section 8.7).
    /// </summary>
    public bool IsUnprocessed { get; init; }
}

/// <summary>The peer did not answer the CONNECT in time.</summary>
public sealed class HboneAnswerTimeoutException(string message) : HboneException(message, innerException: null);

/// <summary>The peer answered with a status other than 200.</summary>
public sealed class HboneStatusException(int status)
    : HboneException($"http status: {status}", innerException: null)
{
    /// <summary>The status.</summary>
    public int Status { get; } = status;
}
