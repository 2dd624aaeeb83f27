namespace Hbone.Http2;

/// <summary>What costs a peer little and us something, and is legitimate only in moderation (RFC 9113 section 10.5).</summary>
internal enum AbuseKind
{
    /// <summary>Requests that are reset before they are answered, or refused for being too many (CVE-2023-44487).</summary>
    AbandonedRequest,

    /// <summary>SETTINGS, each of which has to be acknowledged and may touch every stream.</summary>
    Settings,

    /// <summary>PING, each of which has to be answered.</summary>
    Ping,

    /// <summary>DATA without payload that ends nothing.</summary>
    EmptyData,

    /// <summary>WINDOW_UPDATE beyond what the DATA that we sent can be the reason of.</summary>
    WindowUpdate,

    /// <summary>PRIORITY and frames of types that we do not know: skipped, but read all the same.</summary>
    IgnoredFrame,

    /// <summary>Frames of streams that are over, answers before the final one: read, decoded, dropped.</summary>
    UselessFrame,

    /// <summary>Mistakes that cost the peer one stream each.</summary>
    StreamError,
}
