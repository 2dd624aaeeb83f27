using Hbone.Conformance.Exchanges;
using Hbone.Http2;

namespace Hbone.Conformance.Nghttp2;

/// <summary>
/// What the two sides of a plan see of each other through nghttpx, which does not let a tunnel through as it is. Its
/// own frame log (<c>--frontend-frame-debug</c>) beside the frames that reach the server shows of version 1.52:
/// <list type="bullet">
/// <item>A client's END_STREAM comes in and none goes out to the server. What the server sends still goes
/// through.</item>
/// <item>The server's END_STREAM reaches the client after all of the server's bytes, with RST_STREAM NO_ERROR right
/// behind it. Then the tunnel is forgotten, with what the client had sent and was not passed on yet, and nothing is
/// said to the server: there the stream stays half-open until the connection ends.</item>
/// <item>Such streams still count against the server's MAX_CONCURRENT_STREAMS, and no second connection is opened: of
/// 250 requests, one after the other, 201 came in and 200 went out to a server that allows 200.</item>
/// <item>The server's RST_STREAM reaches the client as END_STREAM and RST_STREAM NO_ERROR too, whatever its code,
/// after all of the bytes. Here the server's stream is over.</item>
/// <item>The client's RST_STREAM reaches the server as NO_ERROR, whatever its code, unless the server has
/// ended.</item>
/// </list>
/// So no server may wait for a client's end, as in <see cref="Course.ClientEndsFirst"/>; all else works.
/// </summary>
internal static class NghttpxAssert
{
    /// <summary>Courses that leave the server no stream that the proxy has forgotten.</summary>
    public static readonly Course[] CoursesToTheEnd =
    [
        Course.ServerResets,
        Course.ServerResetsLast,
        Course.ClientResetsLast,
        Course.ServerEndsAndResets,
        Course.Refused,
    ];

    /// <summary>These, and those that do.</summary>
    public static readonly Course[] Courses =
    [
        .. CoursesToTheEnd, Course.Free, Course.ServerHasAllFirst, Course.ServerEndsFirst, Course.ClientResets,
    ];

    /// <summary>Everything the server sent arrived, then an end.</summary>
    public static void ClientSaw(ExchangePlan plan, IEnumerable<ExchangeOutcome> outcomes) => ExchangeAssert.Check(
        plan,
        plan.Exchanges,
        outcomes,
        static (exchange, seen) => exchange.Course switch
        {
            Course.Refused => seen.Status == exchange.Code && seen.Received == 0,
            Course.ClientResets => seen.IsIntact && seen.Received <= exchange.Down,
            Course.ClientResetsLast => seen is { IsIntact: true, End: "local" } && seen.Received == exchange.Down,
            _ => seen is { IsIntact: true, End: "end" } && seen.Received == exchange.Down,
        });

    /// <summary>
    /// Nothing but the client's bytes arrived, all of them where the server waits for that; and no end. Is to be called
    /// when the proxy is gone, with what it had forgotten.
    /// </summary>
    public static void ServerSaw(ExchangePlan plan, IEnumerable<ExchangeOutcome> outcomes) => ExchangeAssert.Check(
        plan,
        plan.Exchanges.Where(exchange => exchange.Course != Course.Refused),
        outcomes,
        static (exchange, seen) => seen.IsIntact && exchange.Course switch
        {
            Course.ServerHasAllFirst => seen.Received == exchange.Up && seen.End == "reset",
            Course.ServerResetsLast => seen.Received == exchange.Up && seen.End == "local",
            Course.ClientResetsLast =>
                seen.Received == exchange.Up && seen.End == "reset" && seen.Code == (int)Http2ErrorCode.NoError,
            _ => seen.Received <= exchange.Up && seen.End != "end",
        });
}
