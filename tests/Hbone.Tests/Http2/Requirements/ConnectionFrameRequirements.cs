using static Hbone.Tests.Http2.Requirements.Role;

namespace Hbone.Tests.Http2.Requirements;

/// <summary>RFC 9113 sections 6.7 to 6.9 and 7: PING, GOAWAY, windows, error codes.</summary>
internal static class ConnectionFrameRequirements
{
    public static IReadOnlyList<Requirement> All { get; } =
    [
        new("9113-6.7-1", Both, "PING is sent with 8 octets."),
        new("9113-6.7-2", Both, "PING is answered with its octets and ACK."),
        new("9113-6.7-3", Both, "PING with ACK is not answered."),
        new("9113-6.7-4", Both, "PING on a stream is a connection error PROTOCOL_ERROR."),
        new("9113-6.7-5", Both, "PING of other than 8 octets is a connection error FRAME_SIZE_ERROR."),
        new("9113-6.8-1", Client, "After receiving GOAWAY no more streams are opened."),
        new("9113-6.8-2", Both, "GOAWAY on a stream is a connection error PROTOCOL_ERROR."),
        new("9113-6.8-3", Both, "The last stream identifier of our GOAWAYs never rises."),
        new("9113-6.8-4", Server, "Field blocks of streams above our GOAWAY are decoded."),
        new("9113-6.8-5", Server, "DATA of streams above our GOAWAY counts towards the connection's window."),
        new("9113-6.8-6", None, "Stored debug data is safe from others.", "Debug data is neither sent nor kept."),
        new("9113-6.9-1", Both, "Frames that are not flow-controlled are processed whatever the windows are."),
        new("9113-6.9-2", Both, "WINDOW_UPDATE of 0 on a stream is a stream error PROTOCOL_ERROR."),
        new("9113-6.9-3", Both, "WINDOW_UPDATE of 0 on the connection is a connection error."),
        new("9113-6.9-4", Both, "WINDOW_UPDATE on a stream that was ended or closed is no error."),
        new("9113-6.9-5", Both, "Every DATA frame counts towards the connection's window, in full with its padding, in error too."),
        new("9113-6.9-6", Both, "WINDOW_UPDATE of other than 4 octets is a connection error FRAME_SIZE_ERROR."),
        new("9113-6.9.1-1", Both, "No DATA is sent beyond the stream's or the connection's window."),
        new("9113-6.9.1-2", Both, "WINDOW_UPDATE that takes a stream's window beyond 2^31-1 is a stream error FLOW_CONTROL_ERROR."),
        new("9113-6.9.1-3", Both, "WINDOW_UPDATE that takes the connection's window beyond 2^31-1 is a connection error FLOW_CONTROL_ERROR."),
        new("9113-6.9.2-1", Both, "A new INITIAL_WINDOW_SIZE moves the windows of all streams by the difference, not the connection's."),
        new("9113-6.9.2-2", Both, "A window that became negative is tracked; nothing is sent until it is positive."),
        new("9113-6.9.2-3", Both, "INITIAL_WINDOW_SIZE that takes a window beyond 2^31-1 is a connection error FLOW_CONTROL_ERROR."),
        new("9113-6.9.3-1", Both, "After windows were reduced, what was sent before the peer knew may exceed them."),
        new("9113-7-1", Both, "Unknown error codes cause nothing special."),
    ];
}
