using static Hbone.Tests.Http2.Requirements.Role;

namespace Hbone.Tests.Http2.Requirements;

/// <summary>RFC 9113 section 10.5: what a peer can do too often or too long, and we end.</summary>
internal static class LimitRequirements
{
    public static IReadOnlyList<Requirement> All { get; } =
    [
        new("9113-10.5-1", Both, "Floods of SETTINGS, each of which has to be acknowledged."),
        new("9113-10.5-2", Both, "Floods of PING, each of which has to be answered; answers that are never read."),
        new("9113-10.5-3", Server, "Streams that are opened and reset at once, again and again."),
        new("9113-10.5-4", Both, "Our own resets provoked again and again by frames in error."),
        new("9113-10.5-5", Both, "Floods of empty DATA and of DATA that is all padding."),
        new("9113-10.5-6", Both, "Field blocks of endless or empty CONTINUATION frames."),
        new("9113-10.5-7", Both, "Field blocks that cost much more than their octets when they are decoded."),
        new("9113-10.5-8", Both, "Floods of WINDOW_UPDATE, PRIORITY and unknown frames."),
        new("9113-10.5-9", Client, "Interim answers without an end."),
        new("9113-10.5-10", Both, "Windows and reading so slow that what is queued for the peer grows."),
        new("9113-10.5-11", Server, "More CONNECT streams or connections than there is memory for (10.5.2)."),
        new("9113-10.5-12", Both, "SETTINGS of many values, undefined ones and the same one again and again."),
        new("9113-10.5-13", Server, "Limits that are exceeded before the client can know them."),
    ];
}
