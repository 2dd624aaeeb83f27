namespace Hbone.Http2;

/// <summary>What one HTTP/2 endpoint announces in SETTINGS (RFC 9113 section 6.5.2). Immutable.</summary>
public sealed record Http2Options
{
    /// <summary>Bytes a peer may send on a new stream before credit returns. 1 to 2^31-1, default 4 MiB.</summary>
    /// <remarks>Environment: <c>HTTP2_STREAM_WINDOW_SIZE</c>.</remarks>
    public int StreamWindowSize
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = 4 * 1024 * 1024;

    /// <summary>Bytes a peer may send on all streams together. 65535 to 2^31-1, default 16 MiB.</summary>
    /// <remarks>Environment: <c>HTTP2_CONNECTION_WINDOW_SIZE</c>. HTTP/2 can only raise the initial 65535.</remarks>
    public int ConnectionWindowSize
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 65_535);
            field = value;
        }
    } = 16 * 1024 * 1024;

    /// <summary>Longest frame payload a peer may send, bytes. 16384 to 16777215, default 1 MiB.</summary>
    /// <remarks>Environment: <c>HTTP2_FRAME_SIZE</c>.</remarks>
    public int MaxFrameSize
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 16_384);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 16_777_215);
            field = value;
        }
    } = 1024 * 1024;

    /// <summary>
    /// Payload that one connection may hold, bytes: received and not yet taken by the other socket, or waiting to be sent.
    /// At least 1 MiB, default 64 MiB.
    /// </summary>
    /// <remarks>
    /// Environment: <c>HBONE_CONNECTION_MEMORY</c>. From a quarter of it on streams get small windows that grow with their
    /// readers, and what a peer may have in flight is never more than what is left.
    /// </remarks>
    public int ConnectionMemory
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1024 * 1024);
            field = value;
        }
    } = 64 * 1024 * 1024;

    /// <summary>Streams that a client may have open on one connection. At least 1, default 200.</summary>
    /// <remarks>Environment: <c>HTTP2_MAX_CONCURRENT_STREAMS</c>.</remarks>
    public int MaxConcurrentStreams
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = 200;

    /// <summary>Limit for the peer's preface and first SETTINGS after the handshake. Positive, default 10 s.</summary>
    /// <remarks>Environment: <c>HTTP2_SETTINGS_TIMEOUT</c>.</remarks>
    public TimeSpan SettingsTimeout
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromSeconds(10);

    /// <summary>The connection's window as it is offered: the peer's flight and what is held have to fit together.</summary>
    internal int OfferedConnectionWindow => Math.Max(65_535, Math.Min(ConnectionWindowSize, ConnectionMemory / 4));
}
