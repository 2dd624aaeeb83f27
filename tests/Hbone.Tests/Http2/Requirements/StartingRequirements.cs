using static Hbone.Tests.Http2.Requirements.Role;

namespace Hbone.Tests.Http2.Requirements;

/// <summary>RFC 9113 sections 3 and 4: preface, frame format, field blocks.</summary>
internal static class StartingRequirements
{
    public static IReadOnlyList<Requirement> All { get; } =
    [
        new("9113-3.2-1", Both, "Over TLS the protocol is h2; h2c is neither offered nor selected."),
        new("9113-3.2-2", Both, "After the TLS handshake each side sends its preface."),
        new("9113-3.3-1", Both, "Over TLS, HTTP/2 is agreed on by ALPN.", "We offer and select it always; a peer that does without is still served, as HBONE peers are."),
        new("9113-3.3-2", None, "On a cleartext connection a server sends its preface too.", "There is no cleartext HTTP/2: HBONE is mutual TLS."),
        new("9113-3.4-1", Client, "The 24 octets of the client preface are followed by SETTINGS."),
        new("9113-3.4-2", Server, "SETTINGS is the first frame that the server sends."),
        new("9113-3.4-3", Both, "The SETTINGS of the peer's preface are acknowledged after our own preface."),
        new("9113-3.4-4", Both, "A wrong preface is a connection error PROTOCOL_ERROR."),
        new("9113-4.1-1", Both, "No frame above 16384 octets is sent unless the peer announced a larger MAX_FRAME_SIZE."),
        new("9113-4.1-2", Both, "Frames of unknown type are ignored and discarded."),
        new("9113-4.1-3", Both, "Unused flags are ignored on receipt."),
        new("9113-4.1-4", Both, "Unused flags are zero when sending."),
        new("9113-4.1-5", Both, "The reserved bit is zero when sending."),
        new("9113-4.1-6", Both, "The reserved bit is ignored on receipt."),
        new("9113-4.2-1", Both, "Frames of 16384 octets can be received."),
        new("9113-4.2-2", Both, "A frame too long for MAX_FRAME_SIZE or for its type, or too short, is FRAME_SIZE_ERROR."),
        new("9113-4.2-3", Both, "A frame size error is a connection error in frames with a field block, in SETTINGS and on stream 0."),
        new("9113-4.3-1", Both, "The frames of a field block are sent without any other frame between them."),
        new("9113-4.3-2", Both, "Every field block is decoded, that of a discarded frame too, or the connection ends with COMPRESSION_ERROR.", "A block too long to be kept is an abuse here, and ends with ENHANCE_YOUR_CALM as section 10.5 allows."),
        new("9113-4.3-3", Both, "A field block that does not decode is a connection error COMPRESSION_ERROR."),
        new("9113-4.3.1-1", Both, "After acknowledging a smaller HEADER_TABLE_SIZE the next field block starts with a size update."),
        new("9113-4.3.1-2", Both, "A field block without the size update that our smaller HEADER_TABLE_SIZE requires is COMPRESSION_ERROR.", "Connections always keep the initial 4096; the decoder is ready for other sizes."),
    ];
}
