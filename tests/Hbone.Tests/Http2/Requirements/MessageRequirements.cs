using static Hbone.Tests.Http2.Requirements.Role;

namespace Hbone.Tests.Http2.Requirements;

/// <summary>RFC 9113 sections 8.1 to 8.5 and 10.5.1: messages, fields, CONNECT.</summary>
internal static class MessageRequirements
{
    private const string NoForwarding = "Nothing of a message is forwarded: we are the ends of the tunnel, not an intermediary.";
    private const string NoPush = "Push is disabled and never used.";
    private const string CallersFields = "Hbone sends the fields that its caller names; those of the proxy are constants in lower case, and few.";

    public static IReadOnlyList<Requirement> All { get; } =
    [
        new("9113-8.1-1", Both, "No frame of any stream comes between HEADERS and its CONTINUATIONs."),
        new("9113-8.1-2", Client, "Pseudo headers in trailers make the message malformed.", "A client's trailers are refused by 9113-8.5-3."),
        new("9113-8.1-3", Both, "HEADERS without END_STREAM after the request's or the final answer's makes the message malformed."),
        new("9113-8.1-4", Client, "A complete answer is not discarded because RST_STREAM NO_ERROR follows it."),
        new("9113-8.1.1-1", None, "Malformed messages are not forwarded.", NoForwarding),
        new("9113-8.1.1-2", Both, "A malformed message is a stream error PROTOCOL_ERROR."),
        new("9113-8.1.1-3", Client, "A malformed answer is not accepted."),
        new("9113-8.1.1-4", Both, "content-length is compared with the content unless there is none: CONNECT has none, and the tunnel's octets are not it.", "The content of other messages is never read."),
        new("9113-8.2-1", None, "Field names are sent in lower case.", CallersFields),
        new("9113-8.2.1-1", Both, "Names with upper case, blanks, control characters or octets above 0x7e make a message malformed."),
        new("9113-8.2.1-2", Both, "A colon in the name of a regular field makes a message malformed."),
        new("9113-8.2.1-3", Both, "NUL, CR or LF in a value makes a message malformed."),
        new("9113-8.2.1-4", Both, "A blank at either end of a value makes a message malformed."),
        new("9113-8.2.1-5", None, "Prohibited values are not forwarded.", NoForwarding),
        new("9113-8.2.2-1", None, "No connection-specific field is sent.", CallersFields),
        new("9113-8.2.2-2", Both, "Connection-specific fields make a message malformed."),
        new("9113-8.2.2-3", Server, "TE has no other value than trailers."),
        new("9113-8.2.2-4", None, "Connection-specific fields are removed when HTTP/1 becomes HTTP/2.", NoForwarding),
        new("9113-8.2.3-1", None, "Split Cookie fields are joined when they leave HTTP/2.", NoForwarding),
        new("9113-8.3-1", None, "No other pseudo headers than the RFC's are sent.", CallersFields),
        new("9113-8.3-2", Both, "Undefined pseudo headers, an answer's in a request and the reverse make a message malformed."),
        new("9113-8.3-3", Both, "A pseudo header after a regular field makes a message malformed."),
        new("9113-8.3-4", Both, "A repeated pseudo header makes a message malformed."),
        new("9113-8.3.1-1", Server, "The target is :authority, whatever Host says."),
        new("9113-8.3.1-2", Client, "Authority is sent as :authority."),
        new("9113-8.3.1-3", None, "Host does not differ from :authority.", "Host is never sent."),
        new("9113-8.3.1-4", None, "Servers that compare Host with :authority normalize them by scheme.", "They are not compared: CONNECT has no scheme, and its target is :authority."),
        new("9113-8.3.1-5", None, "Intermediaries construct :authority from the original request, and Host from :authority.", NoForwarding),
        new("9113-8.3.1-6", None, "No user info in :authority of http and https.", "CONNECT has no scheme."),
        new("9113-8.3.1-7", Server, "An empty :path makes a request other than CONNECT malformed."),
        new("9113-8.3.1-8", Server, "A request other than CONNECT has one each of :method, :scheme and :path, or is malformed."),
        new("9113-8.3.1-9", None, "Without a path, / is sent as :path, and * for OPTIONS.", "CONNECT, all that we send, has no path."),
        new("9113-8.3.2-1", Both, "Every answer, interim ones too, has :status, or is malformed."),
        new("9113-8.4-1", None, "Promised requests are safe, cacheable and without content, and reset otherwise.", NoPush),
        new("9113-8.4-2", None, "Pushed answers are of authoritative servers, and cached only if they may be.", NoPush),
        new("9113-8.4-3", Server, "PUSH_PROMISE from a client is a connection error PROTOCOL_ERROR."),
        new("9113-8.4.1-1", None, "PUSH_PROMISE carries a complete request of a safe method, on an open stream, or is reset.", NoPush),
        new("9113-8.4.1-2", Client, "PUSH_PROMISE is never sent by a client."),
        new("9113-8.4.2-1", None, "The client validates that the server is authoritative for what it pushes.", NoPush),
        new("9113-8.5-1", Client, "CONNECT is sent without :scheme and :path."),
        new("9113-8.5-2", Server, "CONNECT with :scheme or :path, or without what can be an authority in :authority, is malformed."),
        new("9113-8.5-3", Both, "Other frames than DATA and those of stream management on a tunnel are a stream error."),
        new("9113-8.5-4", Both, "No other frames are sent on a tunnel."),
        new("9113-8.5-5", Both, "An error of the stream or the connection resets the application's TCP connection."),
        new("9113-10.5.1-1", Both, "A field block larger than we take is still decoded, unless the connection is closed."),
    ];
}
