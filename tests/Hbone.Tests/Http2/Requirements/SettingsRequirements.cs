using static Hbone.Tests.Http2.Requirements.Role;

namespace Hbone.Tests.Http2.Requirements;

/// <summary>RFC 9113 sections 6.5 and 6.6: SETTINGS and PUSH_PROMISE.</summary>
internal static class SettingsRequirements
{
    private const string NeverPushes = "Our server never pushes.";
    private const string PushIsRefused = "Push is disabled, so any PUSH_PROMISE ends the connection before this is asked.";

    public static IReadOnlyList<Requirement> All { get; } =
    [
        new("9113-6.5-1", Both, "SETTINGS is sent at the start of a connection."),
        new("9113-6.5-2", Both, "All settings of the RFC are supported."),
        new("9113-6.5-3", Both, "SETTINGS with ACK and a payload is a connection error FRAME_SIZE_ERROR."),
        new("9113-6.5-4", Both, "SETTINGS with ACK is sent without payload."),
        new("9113-6.5-5", Both, "SETTINGS on a stream is a connection error PROTOCOL_ERROR."),
        new("9113-6.5-6", Both, "A badly formed SETTINGS frame is a connection error.", "The RFC's general code is PROTOCOL_ERROR; each defect has its own more specific one below."),
        new("9113-6.5-7", Both, "SETTINGS whose length is no multiple of 6 is a connection error FRAME_SIZE_ERROR."),
        new("9113-6.5-8", Both, "SETTINGS is sent on stream 0."),
        new("9113-6.5.2-1", None, "No PUSH_PROMISE is sent to a client that set ENABLE_PUSH to 0.", NeverPushes),
        new("9113-6.5.2-2", Client, "PUSH_PROMISE after our ENABLE_PUSH 0 was acknowledged is a connection error PROTOCOL_ERROR."),
        new("9113-6.5.2-3", Both, "ENABLE_PUSH other than 0 and 1 is a connection error PROTOCOL_ERROR."),
        new("9113-6.5.2-4", Server, "A server does not announce ENABLE_PUSH 1."),
        new("9113-6.5.2-5", Client, "ENABLE_PUSH 1 from a server is a connection error PROTOCOL_ERROR."),
        new("9113-6.5.2-6", Both, "INITIAL_WINDOW_SIZE above 2^31-1 is a connection error FLOW_CONTROL_ERROR."),
        new("9113-6.5.2-7", Both, "The MAX_FRAME_SIZE that we announce is from 16384 to 16777215."),
        new("9113-6.5.2-8", Both, "MAX_FRAME_SIZE outside that range is a connection error PROTOCOL_ERROR."),
        new("9113-6.5.2-9", Both, "Unknown settings are ignored."),
        new("9113-6.5.3-1", Both, "Settings are applied as soon as they have come."),
        new("9113-6.5.3-2", Both, "Values are processed in order, with no other frame between them."),
        new("9113-6.5.3-3", Both, "SETTINGS is acknowledged at once when it is applied."),
        new("9113-6.6-1", None, "Padding of PUSH_PROMISE is sent as zeros, and the promised identifier is one of an idle stream.", NeverPushes),
        new("9113-6.6-2", None, "PUSH_PROMISE is sent on open streams of the peer only, followed by its CONTINUATIONs.", NeverPushes),
        new("9113-6.6-3", Both, "PUSH_PROMISE on stream 0 is a connection error PROTOCOL_ERROR."),
        new("9113-6.6-4", Client, "PUSH_PROMISE that was disabled is a connection error PROTOCOL_ERROR."),
        new("9113-6.6-5", Client, "PUSH_PROMISE on a stream that is not open is a connection error PROTOCOL_ERROR."),
        new("9113-6.6-6", None, "PUSH_PROMISE that crossed our RST_STREAM is processed.", PushIsRefused),
        new("9113-6.6-7", Client, "PUSH_PROMISE of an illegal identifier is a connection error PROTOCOL_ERROR."),
        new("9113-6.6-8", None, "PUSH_PROMISE without END_HEADERS is followed by CONTINUATION.", PushIsRefused),
        new("9113-6.6-9", None, "PUSH_PROMISE whose padding is as long as its payload is a connection error.", PushIsRefused),
    ];
}
