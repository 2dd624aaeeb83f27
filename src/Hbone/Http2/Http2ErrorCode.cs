namespace Hbone.Http2;

/// <summary>Error codes of RFC 9113 section 7.</summary>
public enum Http2ErrorCode
{
    /// <summary>NO_ERROR</summary>
    NoError = 0x0,

    /// <summary>PROTOCOL_ERROR</summary>
    ProtocolError = 0x1,

    /// <summary>INTERNAL_ERROR</summary>
    InternalError = 0x2,

    /// <summary>FLOW_CONTROL_ERROR</summary>
    FlowControlError = 0x3,

    /// <summary>SETTINGS_TIMEOUT</summary>
    SettingsTimeout = 0x4,

    /// <summary>STREAM_CLOSED</summary>
    StreamClosed = 0x5,

    /// <summary>FRAME_SIZE_ERROR</summary>
    FrameSizeError = 0x6,

    /// <summary>REFUSED_STREAM</summary>
    RefusedStream = 0x7,

    /// <summary>CANCEL</summary>
    Cancel = 0x8,

    /// <summary>COMPRESSION_ERROR</summary>
    CompressionError = 0x9,

    /// <summary>CONNECT_ERROR</summary>
    ConnectError = 0xa,

    /// <summary>ENHANCE_YOUR_CALM</summary>
    EnhanceYourCalm = 0xb,

    /// <summary>INADEQUATE_SECURITY</summary>
    InadequateSecurity = 0xc,

    /// <summary>HTTP_1_1_REQUIRED</summary>
    Http11Required = 0xd,
}
