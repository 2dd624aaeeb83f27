namespace Ztunnel.Xds;

/// <summary>How a stream ended, as the label <c>reason</c> of the metric counts it.</summary>
internal enum StreamEnd
{
    /// <summary>It could not be opened: TCP, TLS, HTTP, or a status instead of a first response.</summary>
    ConnectionError,

    /// <summary>It ended with a status that says that something is wrong; or we could not even try.</summary>
    Error,

    /// <summary>It was open and broke in a way that says nothing about the next one: restarts, proxies, time limits.</summary>
    Reconnect,

    /// <summary>The server ended it without an error, or we did.</summary>
    Complete,
}
