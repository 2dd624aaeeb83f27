using static Hbone.Tests.Http2.Requirements.Role;

namespace Hbone.Tests.Http2.Requirements;

/// <summary>RFC 9113 section 5: stream states, identifiers, flow control, errors, extensions.</summary>
internal static class StreamRequirements
{
    private const string NoPush = "Push is disabled, so no stream is ever reserved.";

    public static IReadOnlyList<Requirement> All { get; } =
    [
        new("9113-5.1-1", Both, "Any frame but HEADERS and PRIORITY on an idle stream is a connection error PROTOCOL_ERROR."),
        new("9113-5.1-2", Client, "HEADERS on an idle stream of the server's is a connection error PROTOCOL_ERROR."),
        new("9113-5.1-3", None, "Only HEADERS, RST_STREAM and PRIORITY are sent on a stream that we reserved.", NoPush),
        new("9113-5.1-4", None, "Only RST_STREAM, PRIORITY and WINDOW_UPDATE are accepted on a stream that we reserved.", NoPush),
        new("9113-5.1-5", None, "Only RST_STREAM, WINDOW_UPDATE and PRIORITY are sent on a stream that the peer reserved.", NoPush),
        new("9113-5.1-6", None, "Only HEADERS, RST_STREAM and PRIORITY are accepted on a stream that the peer reserved.", NoPush),
        new("9113-5.1-7", Both, "After END_STREAM, DATA and HEADERS are a stream error STREAM_CLOSED."),
        new("9113-5.1-8", Both, "Nothing but PRIORITY is sent on a closed stream."),
        new("9113-5.1-9", Both, "What arrives on a stream after our RST_STREAM is decoded, counted and discarded."),
        new("9113-5.1.1-1", Client, "Streams of a client have odd identifiers."),
        new("9113-5.1.1-2", None, "Streams of a server have even identifiers.", NoPush),
        new("9113-5.1.1-3", Client, "The identifier of a new stream is above all earlier ones."),
        new("9113-5.1.1-4", Both, "An unexpected stream identifier is a connection error PROTOCOL_ERROR."),
        new("9113-5.1.2-1", Client, "Never more streams are open than the peer's MAX_CONCURRENT_STREAMS."),
        new("9113-5.1.2-2", Server, "A stream above our MAX_CONCURRENT_STREAMS is a stream error PROTOCOL_ERROR or REFUSED_STREAM."),
        new("9113-5.2.1-1", Both, "A sender keeps to the limits of the receiver."),
        new("9113-5.2.2-1", Both, "Frames are read as soon as they are there, whatever a stream's reader does."),
        new("9113-5.4-1", Both, "A connection error that a frame causes is reported."),
        new("9113-5.4.1-1", Both, "After the GOAWAY of a connection error the TCP connection is closed."),
        new("9113-5.4.2-1", Both, "After RST_STREAM, frames that the peer had already sent are put up with."),
        new("9113-5.4.2-2", Both, "RST_STREAM is never answered with RST_STREAM."),
        new("9113-5.5-1", Both, "Unknown values of extensible elements are ignored."),
        new("9113-5.5-2", Both, "Frames of unknown type are discarded in every state."),
        new("9113-5.5-3", Both, "A frame of unknown type inside a field block is a connection error PROTOCOL_ERROR."),
        new("9113-5.5-4", Both, "An extension that changes the protocol is used only after negotiation: we announce none, no extended CONNECT either (RFC 8441)."),
        new("9113-5.5-5", None, "The initial value of an extension's setting leaves it disabled.", "For authors of extensions."),
    ];
}
