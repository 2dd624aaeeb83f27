namespace Hbone.Http2;

/// <summary>Which side of a connection we are, and what goes with it.</summary>
/// <param name="IsServer">Whether the peer opens the streams.</param>
/// <param name="Options">What SETTINGS announce.</param>
/// <param name="MaxHeaderListSize">Announced and kept; octets as RFC 9113 section 6.5.2 counts them.</param>
/// <param name="MaxConcurrentStreams">Streams that the peer may have open; servers only.</param>
/// <param name="Serve">Starts to answer a request; servers only. Must not block or throw.</param>
internal sealed record Http2Role(
    bool IsServer,
    Http2Options Options,
    int MaxHeaderListSize,
    int MaxConcurrentStreams = 0,
    Action<ConnectRequest>? Serve = null)
{
    private const int ClientHeaderListSize = 16_384;
    private const int ServerHeaderListSize = 65_536;

    /// <summary>The side that opens streams.</summary>
    public static Http2Role Client(Http2Options options) => new(false, options, ClientHeaderListSize);

    /// <summary>The side that answers.</summary>
    public static Http2Role Server(Http2Options options, Action<ConnectRequest> serve) =>
        new(true, options, ServerHeaderListSize, options.MaxConcurrentStreams, serve);
}
