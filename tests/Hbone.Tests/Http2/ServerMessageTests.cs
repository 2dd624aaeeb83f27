using Hbone.Http2;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2;

/// <summary>Requests that our server must take for malformed, and others that it must not. RFC 9113 section 8.</summary>
public sealed class ServerMessageTests : HboneServerFixture
{
    private static readonly (string, string)[] Connect = [(":method", "CONNECT"), (":authority", "10.0.0.1:80")];
    private static readonly (string, string)[] Get = [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a")];

    public static TheoryData<string, byte[]> MalformedRequests => new()
    {
        { "9113-8.2.1-1 empty name", With(("", "b")) },
        { "9113-8.2.1-1 space in a name", With(("a b", "c")) },
        { "9113-8.2.1-1 control character in a name", With(("a\u0001", "b")) },
        { "9113-8.2.1-1 DEL in a name", With(("a\u007f", "b")) },
        { "9113-8.2.1-1 name beyond ASCII", With(("a\u00ff", "b")) },
        { "9113-8.2.1-2 colon in a name", With(("a:b", "c")) },
        { "9113-8.2.1-3 zero in a value", With(("a", "b\0c")) },
        { "9113-8.2.1-3 carriage return in a value", With(("a", "b\rc")) },
        { "9113-8.2.1-3 line feed in a method", RawFrame.Headers(1, false, [(":method", "GE\nT"), .. Get[1..]]) },
        { "9113-8.2.1-3 zero in a path", RawFrame.Headers(1, false, [.. Get[..2], (":path", "/\0"), Get[3]]) },
        { "9113-8.2.1-4 blank before a value", With(("a", " b")) },
        { "9113-8.2.1-4 tabulator behind a value", With(("a", "b\t")) },
        { "9113-8.2.1-4 blank behind a method", RawFrame.Headers(1, false, [(":method", "GET "), .. Get[1..]]) },
        { "9113-8.2.2-2 proxy-connection", With(("proxy-connection", "close")) },
        { "9113-8.2.2-2 keep-alive", With(("keep-alive", "1")) },
        { "9113-8.2.2-2 transfer-encoding", With(("transfer-encoding", "chunked")) },
        { "9113-8.2.2-2 upgrade", With(("upgrade", "h2c")) },
        { "9113-8.2.2-3 te other than trailers", With(("te", "gzip")) },
        { "9113-8.3-2 pseudo header without a name", RawFrame.Headers(1, false, [.. Connect, (":", "a")]) },
        { "9113-8.3-4 authority twice", RawFrame.Headers(1, false, [.. Connect, Connect[1]]) },
        { "9113-8.3-4 path twice", RawFrame.Headers(1, false, [.. Get, Get[2]]) },
        { "9113-8.3-4 scheme twice", RawFrame.Headers(1, false, [.. Get, Get[1]]) },
        { "9113-8.3.1-7 empty path", RawFrame.Headers(1, false, [.. Get[..2], (":path", ""), Get[3]]) },
        { "9113-8.3.1-8 empty method", RawFrame.Headers(1, false, [(":method", ""), .. Get[1..]]) },
        { "9113-8.3.1-8 no path", RawFrame.Headers(1, false, [.. Get[..2], Get[3]]) },
        { "9113-8.3.1-8 no scheme", RawFrame.Headers(1, false, [Get[0], .. Get[2..]]) },
        { "9113-8.3.1-8 no field at all", RawFrame.Headers(1, false) },
        { "9113-8.5-2 empty authority", RawFrame.Headers(1, false, Connect[0], (":authority", "")) },
        { "9113-8.5-2 host instead of authority", RawFrame.Headers(1, false, Connect[0], ("host", "10.0.0.1:80")) },
    };

    [Theory]
    [MemberData(nameof(MalformedRequests))]
    public async Task Section811_MalformedRequest_ResetWithProtocolError(string rule, byte[] octets)
    {
        await using var peer = await DialAsync();

        await peer.SendAsync(octets);

        var reset = Assert.Single(await peer.ReadAllAsync());
        Assert.Equal(RawFrame.Reset(1, Http2ErrorCode.ProtocolError), reset.ToBytes());
        Assert.Equal((rule, 0), (rule, UnansweredRequests));
    }

    [Theory]
    [InlineData("te", "trailers")]
    [InlineData("a", "")]
    [InlineData("a", "b c\td")]
    [InlineData("a", "\u00e9\u00ff")]
    [InlineData("!#$%&'*+-.^_`|~0", "any")]
    public async Task Section821_LegalField_Taken(string name, string value)
    {
        await using var peer = await DialAsync();

        await peer.SendAsync(With((name, value)));

        Assert.Equal(value, (await NextRequestAsync()).Header(name));
    }

    [Fact]
    [Requirement("9113-8.3.1-1")]
    public async Task Section831_HostBesideAuthority_AuthorityIsTheTarget()
    {
        await using var peer = await DialAsync();

        await peer.SendAsync(With(("host", "elsewhere:1")));

        Assert.Equal("10.0.0.1:80", (await NextRequestAsync()).Authority);
    }

    [Fact]
    [Requirement("9113-8.1.1-4")]
    public async Task Section811_ContentLengthOnConnect_IsNotTheTunnels()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(With(("content-length", "3")));
        var request = await NextRequestAsync();
        request.Accept();

        await peer.SendAsync(RawFrame.Data(1, "longer than three"u8.ToArray(), endStream: true));

        Assert.Equal("longer than three"u8.ToArray(), await request.Stream.ReadToEndAsync());
    }

    [Fact]
    public async Task OtherMethod_HandedOutAndAnsweredWithItsStatus()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(RawFrame.Headers(1, endStream: true, Get));

        var request = await NextRequestAsync();
        Assert.Equal(("GET", "a"), (request.Method, request.Authority));
        request.Refuse(400);

        Assert.Equal(400, Assert.Single(await peer.ReadAllAsync()).Status);
    }

    [Fact]
    [Requirement("9113-10.5.1-1")]
    public async Task Section43_ListTooLargeForUs_LeavesTheTableInStep()
    {
        await using var peer = await DialAsync();

        // x-a: 1 goes into the table; 80,000 octets more make the list too large.
        byte[] added = [0x40, 3, (byte)'x', (byte)'-', (byte)'a', 1, (byte)'1'];
        var rest = RawFrame.Block([.. Enumerable.Repeat(("a", new string('x', 8_000)), 10)]);
        await peer.SendAsync(RawFrame.Of(
            FrameType.Headers, RawFrame.EndHeaders, 1, [.. RawFrame.Block(Connect), .. added, .. rest]));
        Assert.Equal(431, (await peer.ReadAsync(FrameType.Headers)).Status);
        await peer.SendAsync(RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 3, [.. RawFrame.Block(Connect), 0xbe]));

        Assert.Equal("1", (await NextRequestAsync()).Header("x-a"));
    }

    [Fact]
    [Requirement("9113-4.3-2", "9113-5.1-9")]
    public async Task Section43_BlocksOfRefusedAndClosedStreams_AreDecoded()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync([.. Enumerable.Range(0, 200).Select(i => RawFrame.Connect((2 * i) + 1))]);
        byte[] first = [0x40, 1, (byte)'a', 1, (byte)'1'];
        byte[] second = [0x40, 1, (byte)'b', 1, (byte)'2'];

        // Stream 401 is one too many, stream 1 is closed: both blocks still go into the table.
        await peer.SendAsync(
            RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 401, [.. RawFrame.Block(Connect), .. first]),
            RawFrame.Reset(1, Http2ErrorCode.Cancel),
            RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders | RawFrame.EndStream, 1, second));
        Assert.Equal(RawFrame.Reset(401, Http2ErrorCode.RefusedStream), Assert.Single(await peer.ReadAllAsync()).ToBytes());
        for (var i = 0; i < 200; i++)
        {
            (await NextRequestAsync()).Refuse(503);
        }

        await peer.SendAsync(RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 403, [.. RawFrame.Block(Connect), 0xbf, 0xbe]));

        var request = await NextRequestAsync();
        Assert.Equal(("1", "2"), (request.Header("a"), request.Header("b")));
    }

    private static byte[] With((string, string) field) => RawFrame.Headers(1, false, [.. Connect, field]);
}
