using Hbone.Http2;
using Hbone.Memory;

namespace Hbone;

/// <summary>Parameters of HBONE connections in both roles. Immutable.</summary>
public sealed record HboneEndpointOptions
{
    /// <summary>Windows and frame size.</summary>
    public Http2Options Http2 { get; init; } = new();

    /// <summary>Limit for the TLS handshake. Positive, default 10 s.</summary>
    public TimeSpan TlsHandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long after the end of our own certificate a connection may go on before it is drained. Null, the default, leaves
    /// it alone.
    /// </summary>
    public TimeSpan? ExpiryDrainMargin { get; init; }

    /// <summary>How long the streams of a connection drained for that may last. Default 5 s.</summary>
    public TimeSpan ExpiryDrainDeadline { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Allows TLS 1.2 beside 1.3. Default false.</summary>
    public bool AllowTls12 { get; init; }

    /// <summary>Told of every connection that is over, why is in its <see cref="Http2Connection.Failure"/>. Must not throw.</summary>
    public Action<Http2Connection>? Ended { get; init; }

    /// <summary>What the payload buffers of these connections count against. Default: no limit but each connection's own.</summary>
    public MemoryBudget Memory { get; init; } = new(long.MaxValue);

    /// <summary>Revoked certificates of peers, in handshakes and afterwards; null, the default, checks none.</summary>
    public PeerRevocations? Revocations { get; init; }
}
