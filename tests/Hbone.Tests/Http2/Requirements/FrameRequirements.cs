using static Hbone.Tests.Http2.Requirements.Role;

namespace Hbone.Tests.Http2.Requirements;

/// <summary>RFC 9113 sections 6.1 to 6.4 and 6.10: frames of streams.</summary>
internal static class FrameRequirements
{
    private const string NeverPads = "We never pad.";

    public static IReadOnlyList<Requirement> All { get; } =
    [
        new("9113-6.1-1", None, "Padding of DATA is sent as zeros.", NeverPads),
        new("9113-6.1-2", Both, "DATA on stream 0 is a connection error PROTOCOL_ERROR."),
        new("9113-6.1-3", Both, "DATA on a stream that its sender has ended is a stream error STREAM_CLOSED."),
        new("9113-6.1-4", Both, "DATA whose padding is as long as its payload is a connection error PROTOCOL_ERROR."),
        new("9113-6.2-1", None, "Padding of HEADERS is sent as zeros.", NeverPads),
        new("9113-6.2-2", Both, "HEADERS without END_HEADERS is followed by CONTINUATION on the same stream when sending."),
        new("9113-6.2-3", Both, "Any other frame after HEADERS without END_HEADERS is a connection error PROTOCOL_ERROR."),
        new("9113-6.2-4", Both, "HEADERS on stream 0 is a connection error PROTOCOL_ERROR."),
        new("9113-6.2-5", Both, "HEADERS whose padding is as long as its payload is a connection error PROTOCOL_ERROR."),
        new("9113-6.3-1", Both, "PRIORITY on stream 0 is a connection error PROTOCOL_ERROR."),
        new("9113-6.3-2", Both, "PRIORITY of other than 5 octets is FRAME_SIZE_ERROR.", "The RFC has a stream error here; we end the connection, as section 5.4.1 allows: RST_STREAM may not be sent where PRIORITY may, on idle streams."),
        new("9113-6.4-1", Both, "After receiving RST_STREAM nothing but PRIORITY is sent on the stream."),
        new("9113-6.4-2", Both, "After sending RST_STREAM, frames that were under way are received and processed."),
        new("9113-6.4-3", Both, "RST_STREAM on stream 0 is a connection error PROTOCOL_ERROR."),
        new("9113-6.4-4", Both, "RST_STREAM is not sent for an idle stream."),
        new("9113-6.4-5", Both, "RST_STREAM on an idle stream is a connection error PROTOCOL_ERROR."),
        new("9113-6.4-6", Both, "RST_STREAM of other than 4 octets is a connection error FRAME_SIZE_ERROR."),
        new("9113-6.10-1", Both, "CONTINUATION without END_HEADERS is followed by another when sending."),
        new("9113-6.10-2", Both, "Any other frame after CONTINUATION without END_HEADERS is a connection error PROTOCOL_ERROR."),
        new("9113-6.10-3", Both, "CONTINUATION on stream 0 is a connection error PROTOCOL_ERROR."),
        new("9113-6.10-4", Both, "CONTINUATION without an unfinished field block before it is a connection error PROTOCOL_ERROR."),
    ];
}
