using Hbone.Http2;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2;

/// <summary>
/// Peers that cost us more than themselves (RFC 9113 section 10.5): each kind of flood ends the connection with
/// ENHANCE_YOUR_CALM after a bounded number of frames, and a burst below its limit does not.
/// </summary>
public sealed class AbuseLimitTests : HboneServerFixture
{
    private const int Frames = 400_000;
    private const int FramesInOneWrite = 100;

    public static TheoryData<string> Floods { get; } =
        ["SETTINGS", "PING", "empty DATA", "padding only", "WINDOW_UPDATE", "PRIORITY", "unknown type", "RST_STREAM"];

    [Theory]
    [MemberData(nameof(Floods))]
    [Requirement("9113-10.5-1", "9113-10.5-2", "9113-10.5-5", "9113-10.5-8")]
    public async Task Section105_Flood_EnhanceYourCalm(string kind)
    {
        await using var peer = await DialAsync();
        await OpenAsync(peer, 1);
        await OpenAsync(peer, 3);
        await peer.SendAsync(RawFrame.Reset(3, Http2ErrorCode.Cancel));
        var connection = await ConnectionAsync();

        var sent = await FloodAsync(peer, _ => FrameOf(kind));

        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, connection.Failure?.Code);
        Assert.Contains("too many", connection.Failure?.Message, StringComparison.Ordinal);
        Assert.True(sent < Frames, "the flood was never stopped");
        await connection.Completion;
        Assert.Equal(0, connection.MemoryUsed);
    }

    [Theory]
    [MemberData(nameof(Floods))]
    public async Task Section105_BurstBelowTheLimit_ConnectionLives(string kind)
    {
        await using var peer = await DialAsync();
        await OpenAsync(peer, 1);
        await OpenAsync(peer, 3);
        await peer.SendAsync(RawFrame.Reset(3, Http2ErrorCode.Cancel));

        await peer.SendAsync([.. Enumerable.Range(0, 90).Select(_ => FrameOf(kind))]);

        await peer.ReadAllAsync();
        await OpenAsync(peer, 5);
    }

    [Fact]
    [Requirement("9113-10.5-3")]
    public async Task Section105_RapidReset_EnhanceYourCalmAndFewRequestsServed()
    {
        await using var peer = await DialAsync();
        var connection = await ConnectionAsync();

        await FloodAsync(peer, i =>
            [.. RawFrame.Connect((2 * i) + 1), .. RawFrame.Reset((2 * i) + 1, Http2ErrorCode.Cancel)]);

        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, connection.Failure?.Code);

        // Requests that nobody has answered count as open after their reset: no more than that ever reach a handler.
        Assert.InRange(UnansweredRequests, 1, 200);
    }

    [Fact]
    [Requirement("9113-10.5-3", "9113-10.5-13")]
    public async Task Section105_RequestsThatAreRefused_EnhanceYourCalm()
    {
        await using var peer = await DialAsync();
        var connection = await ConnectionAsync();

        await FloodAsync(peer, i => RawFrame.Connect((2 * i) + 1));

        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, connection.Failure?.Code);
        Assert.Equal(200, UnansweredRequests);
    }

    [Fact]
    [Requirement("9113-10.5-4")]
    public async Task Section105_MalformedRequests_EnhanceYourCalm()
    {
        await using var peer = await DialAsync();
        var connection = await ConnectionAsync();

        await FloodAsync(peer, i => RawFrame.Headers((2 * i) + 1, endStream: true, ("x", "no pseudo headers")));

        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, connection.Failure?.Code);
        Assert.Equal(0, UnansweredRequests);
    }

    [Fact]
    [Requirement("9113-10.5-6")]
    public async Task Section610_EmptyContinuations_EnhanceYourCalm()
    {
        await using var peer = await DialAsync();
        var connection = await ConnectionAsync();
        await peer.SendAsync(RawFrame.Of(FrameType.Headers, 0, 1, RawFrame.Block((":method", "CONNECT"))));

        await FloodAsync(peer, _ => RawFrame.Of(FrameType.Continuation, 0, 1));

        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, connection.Failure?.Code);
    }

    [Fact]
    [Requirement("9113-10.5-6")]
    public async Task Section610_EndlessHeaderBlock_EnhanceYourCalm()
    {
        await using var peer = await DialAsync();
        var connection = await ConnectionAsync();
        await peer.SendAsync(RawFrame.Of(FrameType.Headers, 0, 1, RawFrame.Block((":method", "CONNECT"))));

        await FloodAsync(peer, _ => RawFrame.Of(FrameType.Continuation, 0, 1, new byte[16_000]));

        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, connection.Failure?.Code);
        await connection.Completion;
        Assert.Equal(0, connection.MemoryUsed);
    }

    [Fact]
    public async Task Section651_CreditAfterEveryFrame_IsNoFlood()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);
        for (var i = 0; i < 1_500; i++)
        {
            Assert.True(await request.Stream.SendAsync("x"u8.ToArray()));
            await peer.ReadAsync(FrameType.Data);
            await peer.SendAsync(RawFrame.WindowUpdate(1, 1), RawFrame.WindowUpdate(0, 1));
        }

        await OpenAsync(peer, 3);
    }

    private static byte[] FrameOf(string kind) => kind switch
    {
        "SETTINGS" => RawFrame.Settings(),
        "PING" => RawFrame.Ping("floodfld"),
        "empty DATA" => RawFrame.Data(1, []),
        "padding only" => RawFrame.Of(FrameType.Data, RawFrame.Padded, 1, [3, 0, 0, 0]),
        "WINDOW_UPDATE" => RawFrame.WindowUpdate(1, 1),
        "PRIORITY" => RawFrame.Of(FrameType.Priority, 0, 1, [0, 0, 0, 0, 1]),
        "unknown type" => RawFrame.Of((FrameType)0x42, 0, 1, [1, 2, 3]),
        "RST_STREAM" => RawFrame.Reset(3, Http2ErrorCode.Cancel),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such flood"),
    };

    // Sends until the connection breaks, and reads meanwhile, so that it is the flood that ends it and not a full queue.
    private async Task<int> FloodAsync(RawPeer peer, Func<int, byte[]> frame)
    {
        var connection = await ConnectionAsync();
        var draining = peer.ReadToEndAsync();
        var sent = 0;
        try
        {
            while (sent < Frames && connection.Failure is null)
            {
                var first = sent;
                await peer.SendAsync([.. Enumerable.Range(first, FramesInOneWrite).Select(frame)]);
                sent += FramesInOneWrite;
            }
        }
        catch (IOException)
        {
            // Closed while we were sending.
        }

        await Eventually.TrueAsync(() => connection.Failure is not null);
        Assert.Contains(await draining, f => f.Type == FrameType.GoAway && f.Code == (uint)Http2ErrorCode.EnhanceYourCalm);
        return sent;
    }
}
