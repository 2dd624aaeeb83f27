namespace Hbone.Http2.Hpack;

/// <summary>
/// A header block that cannot be decoded. The tables of both ends are out of step from here on, so the connection
/// ends with COMPRESSION_ERROR (RFC 9113 section 4.3).
/// </summary>
internal sealed class HpackException(string message) : Exception(message);
