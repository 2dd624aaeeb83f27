namespace Hbone.Pool;

/// <summary>How outbound HBONE connections are shared. Immutable: derive a variant with <c>with</c>.</summary>
public sealed record HbonePoolOptions
{
    /// <summary>Streams on one connection before another is opened. 1 to 65535, default 100.</summary>
    /// <remarks>Environment: <c>POOL_MAX_STREAMS_PER_CONNECTION</c>.</remarks>
    public int MaxStreamsPerConnection
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, ushort.MaxValue);
            field = value;
        }
    } = 100;

    /// <summary>
    /// Whether connections take further streams, together or one after the other. Without, every stream has a connection
    /// of its own, which ends with it.
    /// </summary>
    public bool SharesConnections { get; init; } = true;

    /// <summary>A connection without streams is closed after this long. Positive, default 5 minutes.</summary>
    /// <remarks>Environment: <c>POOL_UNUSED_RELEASE_TIMEOUT</c>.</remarks>
    public TimeSpan UnusedReleaseTimeout
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromMinutes(5);

    /// <summary>Limit for the TCP connect. Positive, default 10 s.</summary>
    public TimeSpan ConnectTimeout
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromSeconds(10);

    /// <summary>Limit for the TLS handshake, both roles. Positive, default 10 s.</summary>
    public TimeSpan TlsHandshakeTimeout
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromSeconds(10);

    /// <summary>Limit for the answer to a CONNECT, the peer's own 10 s connect included. Positive, default 20 s.</summary>
    public TimeSpan ResponseTimeout
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromSeconds(20);
}
