namespace Hbone.Http2.Hpack;

/// <summary>What became of a header block that decoded without error.</summary>
internal enum HpackDecodeResult
{
    /// <summary>Every field was handed out.</summary>
    Complete,

    /// <summary>
    /// The list is longer than SETTINGS_MAX_HEADER_LIST_SIZE allows (RFC 9113 section 6.5.2). The table is in step and
    /// the connection can go on; the fields handed out are only the first ones.
    /// </summary>
    HeaderListTooLarge,
}
