namespace Hbone.Conformance.Exchanges;

/// <summary>Who ends a tunnel and how.</summary>
internal enum Course
{
    /// <summary>Each side ends when it has sent everything.</summary>
    Free,

    /// <summary>The server holds half of its bytes back until the client has ended.</summary>
    ClientEndsFirst,

    /// <summary>The other way round.</summary>
    ServerEndsFirst,

    /// <summary>The server holds half of its bytes back until it has all of the client's, ended or not.</summary>
    ServerHasAllFirst,

    /// <summary>RST_STREAM instead of END_STREAM, after everything the client has.</summary>
    ClientResets,

    /// <summary>The same by the server.</summary>
    ServerResets,

    /// <summary>
    /// RST_STREAM by the client once it has all of the server's bytes, half of which the server holds back until it has
    /// all of the client's: nothing is on its way any more. The server does not end.
    /// </summary>
    ClientResetsLast,

    /// <summary>The same by the server.</summary>
    ServerResetsLast,

    /// <summary>END_STREAM, then at once RST_STREAM NO_ERROR, as RFC 9113 section 8.1 allows and Envoy does.</summary>
    ServerEndsAndResets,

    /// <summary>A status other than 200, and no tunnel.</summary>
    Refused,
}
