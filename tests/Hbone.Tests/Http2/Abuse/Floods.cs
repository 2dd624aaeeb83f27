using Hbone.Http2;

namespace Hbone.Tests.Http2.Abuse;

/// <summary>The floods that are known, against servers and against clients. Stream 1 is open, stream 3 is over.</summary>
internal static class Floods
{
    private const int LargeList = 70_000; // more than a server takes, RFC 9113 section 6.5.2

    // The stream that the client opened.
    private const int Answered = 1;

    private static readonly byte[] Unfinished =
        RawFrame.Of(FrameType.Headers, 0, 5, RawFrame.Block((":method", "CONNECT")));

    private static readonly byte[] UnfinishedAnswer =
        RawFrame.Of(FrameType.Headers, 0, Answered, RawFrame.Block((":status", "200")));

    /// <summary>By a client.</summary>
    public static IReadOnlyList<Flood> OfClients { get; } =
    [
        .. OfBoth(),
        new("HEADERS of a stream that is over", AbuseKind.UselessFrame, _ => RawFrame.Connect(3)),
        new("rapid reset", AbuseKind.AbandonedRequest, i =>
            [.. RawFrame.Connect(Id(i)), .. RawFrame.Reset(Id(i), Http2ErrorCode.Cancel)])
        {
            Answers = false,
        },
        new("refused requests", AbuseKind.AbandonedRequest, i => RawFrame.Connect(Id(i)))
        {
            Answers = false,
            Repetitions = 200 + AbuseLimits.LimitOf(AbuseKind.AbandonedRequest).Burst,
        },
        new("malformed requests", AbuseKind.StreamError, i => RawFrame.Headers(Id(i), true, ("x", "no pseudo headers"))),
        new("header lists too large", AbuseKind.StreamError, i => RawFrame.Headers(
            Id(i), true, (":method", "CONNECT"), (":authority", "10.0.0.1:80"), ("x", new string('x', LargeList)))),
        new("header list of one entry", AbuseKind.StreamError, i => RawFrame.Of(
            FrameType.Headers,
            RawFrame.EndHeaders | RawFrame.EndStream,
            Id(i),
            [.. OneEntry(), .. Enumerable.Repeat((byte)0xbe, 10_000)])),
        new("endless CONTINUATION", null, _ => RawFrame.Of(FrameType.Continuation, 0, 5, new byte[16_000]))
        {
            Opening = Unfinished,
            Reason = "header block longer than 131072 octets",
            Repetitions = 9,
        },
        new("empty CONTINUATION", null, _ => RawFrame.Of(FrameType.Continuation, 0, 5))
        {
            Opening = Unfinished,
            Reason = "header block in more than 64 frames",
            Repetitions = 64,
        },
    ];

    /// <summary>By a server.</summary>
    public static IReadOnlyList<Flood> OfServers { get; } =
    [
        .. OfBoth().Select(flood => flood with { Opening = RawFrame.Headers(Answered, false, (":status", "200")) }),
        new("1xx", AbuseKind.UselessFrame, _ => RawFrame.Headers(Answered, false, (":status", "103"))),
        new("endless CONTINUATION", null, _ => RawFrame.Of(FrameType.Continuation, 0, Answered, new byte[16_000]))
        {
            Opening = UnfinishedAnswer,
            Reason = "header block longer than 32768 octets",
            Repetitions = 3,
        },
        new("empty CONTINUATION", null, _ => RawFrame.Of(FrameType.Continuation, 0, Answered))
        {
            Opening = UnfinishedAnswer,
            Reason = "header block in more than 64 frames",
            Repetitions = 64,
        },
    ];

    private static Flood[] OfBoth() =>
    [
        new("SETTINGS", AbuseKind.Settings, _ => RawFrame.Settings()),
        new("SETTINGS of many values", AbuseKind.Settings, i => RawFrame.Settings(
            [.. Enumerable.Range(0, 1_000).Select(n => (n % 2 == 0 ? 4 : 0x4242, (uint)(1 + i + n)))])),
        new("PING", AbuseKind.Ping, _ => RawFrame.Ping("floodfld")),
        new("WINDOW_UPDATE", AbuseKind.WindowUpdate, _ => RawFrame.WindowUpdate(0, 1)),
        new("WINDOW_UPDATE of a stream", AbuseKind.WindowUpdate, _ => RawFrame.WindowUpdate(1, 1)),
        new("empty DATA", AbuseKind.EmptyData, _ => RawFrame.Data(1, [])),
        new("DATA of padding only", AbuseKind.EmptyData, _ => RawFrame.Of(FrameType.Data, RawFrame.Padded, 1, [3, 0, 0, 0])),
        new("RST_STREAM of a stream that is over", AbuseKind.UselessFrame, _ => RawFrame.Reset(3, Http2ErrorCode.Cancel)),
        new("PRIORITY", AbuseKind.IgnoredFrame, _ => RawFrame.Of(FrameType.Priority, 0, 1, [0, 0, 0, 0, 1])),
        new("unknown type", AbuseKind.IgnoredFrame, _ => RawFrame.Of((FrameType)0x42, 0, 1, [1, 2, 3])),
    ];

    // A stream that none before it was, with 1 and 3 used.
    private static int Id(int i) => 5 + (2 * i);

    // Adds a field of 4,000 octets to the dynamic table: index 62, named by one octet.
    private static byte[] OneEntry()
    {
        var literal = RawFrame.Block(("x", new string('x', 3_900)));
        literal[0] = 0x40; // RFC 7541 section 6.2.1
        return literal;
    }
}
