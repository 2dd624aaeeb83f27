using Hbone.Http2;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2;

/// <summary>What a client may not put on the wire, and the code of the GOAWAY that it gets. RFC 9113 sections 3 to 6.</summary>
public sealed class ServerFramingTests : HboneServerFixture
{
    private const byte UnknownType = 0xfa;
    private const int OneMebibyte = 1024 * 1024;

    /// <summary>Octets after the SETTINGS of both sides, and the code of the connection error they are.</summary>
    public static TheoryData<string, byte[], Http2ErrorCode> ConnectionErrors => new()
    {
        { "9113-4.2-2,9113-5.4-1,9113-5.4.1-1 longer than MAX_FRAME_SIZE", RawFrame.Of(FrameType.Data, 0, 1, new byte[OneMebibyte + 1]), Http2ErrorCode.FrameSizeError },
        { "9113-4.3-3 header block that does not decode", RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), Http2ErrorCode.CompressionError },
        { "9113-4.3-3 index of no entry", RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 1, 0xfe), Http2ErrorCode.CompressionError },
        { "9113-5.1-1 DATA on idle stream", RawFrame.Data(1, [1]), Http2ErrorCode.ProtocolError },
        { "9113-5.1-1,9113-6.4-5 RST_STREAM on idle stream", RawFrame.Reset(1, Http2ErrorCode.Cancel), Http2ErrorCode.ProtocolError },
        { "9113-5.1-1 WINDOW_UPDATE on idle stream", RawFrame.WindowUpdate(1, 1), Http2ErrorCode.ProtocolError },
        { "9113-6.10-4 CONTINUATION on idle stream", RawFrame.Of(FrameType.Continuation, RawFrame.EndHeaders, 1), Http2ErrorCode.ProtocolError },
        { "9113-5.1.1-4 even stream identifier", RawFrame.Connect(2), Http2ErrorCode.ProtocolError },
        { "9113-6.1-2 DATA on stream 0", RawFrame.Data(0, [1]), Http2ErrorCode.ProtocolError },
        { "9113-6.1-4 padding longer than DATA", [.. RawFrame.Connect(1), .. RawFrame.Of(FrameType.Data, RawFrame.Padded, 1, 5, 1, 2, 3)], Http2ErrorCode.ProtocolError },
        { "9113-4.2-2 padded DATA without pad length", [.. RawFrame.Connect(1), .. RawFrame.Of(FrameType.Data, RawFrame.Padded, 1)], Http2ErrorCode.FrameSizeError },
        { "9113-6.2-4 HEADERS on stream 0", RawFrame.Connect(0), Http2ErrorCode.ProtocolError },
        { "9113-6.2-5 padding longer than HEADERS", RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders | RawFrame.Padded, 1, 9, 1), Http2ErrorCode.ProtocolError },
        { "9113-4.2-3 HEADERS shorter than its priority", RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders | RawFrame.Priority, 1, 0, 0), Http2ErrorCode.FrameSizeError },
        { "9113-6.3-1 PRIORITY on stream 0", RawFrame.Of(FrameType.Priority, 0, 0, new byte[5]), Http2ErrorCode.ProtocolError },
        { "9113-6.3-2 PRIORITY of 4 octets", RawFrame.Of(FrameType.Priority, 0, 1, new byte[4]), Http2ErrorCode.FrameSizeError },
        { "9113-6.4-3 RST_STREAM on stream 0", RawFrame.Reset(0, Http2ErrorCode.Cancel), Http2ErrorCode.ProtocolError },
        { "9113-6.4-6 RST_STREAM of 3 octets", [.. RawFrame.Connect(1), .. RawFrame.Of(FrameType.RstStream, 0, 1, new byte[3])], Http2ErrorCode.FrameSizeError },
        { "9113-6.5-5 SETTINGS on a stream", RawFrame.Of(FrameType.Settings, 0, 1), Http2ErrorCode.ProtocolError },
        { "9113-6.5-6,9113-6.5-7 SETTINGS of 5 octets", RawFrame.Of(FrameType.Settings, 0, 0, new byte[5]), Http2ErrorCode.FrameSizeError },
        { "9113-6.5-3 SETTINGS ACK with payload", RawFrame.Of(FrameType.Settings, RawFrame.Ack, 0, new byte[6]), Http2ErrorCode.FrameSizeError },
        { "9113-6.5.2-3 ENABLE_PUSH 2", RawFrame.Settings((2, 2)), Http2ErrorCode.ProtocolError },
        { "9113-6.5.2-6 INITIAL_WINDOW_SIZE 2^31", RawFrame.Settings((4, 1u << 31)), Http2ErrorCode.FlowControlError },
        { "9113-6.5.2-8 MAX_FRAME_SIZE 16383", RawFrame.Settings((5, 16_383)), Http2ErrorCode.ProtocolError },
        { "9113-6.5.2-8 MAX_FRAME_SIZE 2^24", RawFrame.Settings((5, 1 << 24)), Http2ErrorCode.ProtocolError },
        { "9113-8.4-3 PUSH_PROMISE from a client", RawFrame.Of(FrameType.PushPromise, RawFrame.EndHeaders, 1, new byte[4]), Http2ErrorCode.ProtocolError },
        { "9113-6.7-4 PING on a stream", RawFrame.Of(FrameType.Ping, 0, 1, new byte[8]), Http2ErrorCode.ProtocolError },
        { "9113-6.7-5 PING of 7 octets", RawFrame.Of(FrameType.Ping, 0, 0, new byte[7]), Http2ErrorCode.FrameSizeError },
        { "9113-6.8-2 GOAWAY on a stream", RawFrame.Of(FrameType.GoAway, 0, 1, new byte[8]), Http2ErrorCode.ProtocolError },
        { "9113-4.2-2 GOAWAY of 7 octets", RawFrame.Of(FrameType.GoAway, 0, 0, new byte[7]), Http2ErrorCode.FrameSizeError },
        { "9113-6.9-3 WINDOW_UPDATE of 0 on the connection", RawFrame.WindowUpdate(0, 0), Http2ErrorCode.ProtocolError },
        { "9113-6.9-6 WINDOW_UPDATE of 3 octets", RawFrame.Of(FrameType.WindowUpdate, 0, 0, new byte[3]), Http2ErrorCode.FrameSizeError },
        { "9113-6.9.1-3 connection window beyond 2^31-1", RawFrame.WindowUpdate(0, int.MaxValue), Http2ErrorCode.FlowControlError },
        { "9113-6.9.2-3 SETTINGS that widen a stream beyond 2^31-1", [.. RawFrame.Connect(1), .. RawFrame.WindowUpdate(1, int.MaxValue - 65_535), .. RawFrame.Settings((4, 65_536))], Http2ErrorCode.FlowControlError },
        { "9113-6.2-3,9113-8.1-1 another frame inside a header block", [.. RawFrame.Of(FrameType.Headers, 0, 1), .. RawFrame.Ping("inside!!")], Http2ErrorCode.ProtocolError },
        { "9113-6.2-3 CONTINUATION of another stream", [.. RawFrame.Of(FrameType.Headers, 0, 1), .. RawFrame.Of(FrameType.Continuation, RawFrame.EndHeaders, 3)], Http2ErrorCode.ProtocolError },
        { "9113-6.1-4 padding as long as DATA", [.. RawFrame.Connect(1), .. RawFrame.Of(FrameType.Data, RawFrame.Padded, 1, 4, 1, 2, 3)], Http2ErrorCode.ProtocolError },
        { "9113-6.2-5 padding as long as HEADERS", RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders | RawFrame.Padded, 1, 2, 0x82), Http2ErrorCode.ProtocolError },
        { "9113-5.1-1,9113-6.4-4 WINDOW_UPDATE of 0 on idle stream", RawFrame.WindowUpdate(1, 0), Http2ErrorCode.ProtocolError },
        { "9113-5.1-1 RST_STREAM on idle stream of the server's", RawFrame.Reset(2, Http2ErrorCode.Cancel), Http2ErrorCode.ProtocolError },
        { "9113-6.6-3 PUSH_PROMISE on stream 0", RawFrame.Of(FrameType.PushPromise, RawFrame.EndHeaders, 0, new byte[4]), Http2ErrorCode.ProtocolError },
        { "9113-6.10-2 DATA after CONTINUATION", [.. RawFrame.Of(FrameType.Headers, 0, 1), .. RawFrame.Of(FrameType.Continuation, 0, 1), .. RawFrame.Data(1, [1])], Http2ErrorCode.ProtocolError },
        { "9113-6.10-3 CONTINUATION on stream 0", RawFrame.Of(FrameType.Continuation, RawFrame.EndHeaders, 0), Http2ErrorCode.ProtocolError },
        { "9113-6.10-4 CONTINUATION after a whole block", [.. RawFrame.Connect(1), .. RawFrame.Of(FrameType.Continuation, RawFrame.EndHeaders, 1)], Http2ErrorCode.ProtocolError },
        { "9113-5.5-3 unknown frame inside a header block", [.. RawFrame.Of(FrameType.Headers, 0, 1), .. RawFrame.Of((FrameType)UnknownType, 0, 1)], Http2ErrorCode.ProtocolError },
        { "10.5 endless CONTINUATION", [.. RawFrame.Of(FrameType.Headers, 0, 1), .. Enumerable.Repeat(RawFrame.Of(FrameType.Continuation, 0, 1), 65).SelectMany(f => f)], Http2ErrorCode.EnhanceYourCalm },
    };

    [Theory]
    [MemberData(nameof(ConnectionErrors))]
    public async Task BrokenFrame_EndsTheConnectionWithItsCode(string rule, byte[] octets, Http2ErrorCode code)
    {
        await using var peer = await DialAsync();

        await peer.SendAsync(octets);

        Assert.Equal((rule, code), (rule, await peer.ReadGoAwayAsync()));
        await peer.DisposeAsync();
        await Eventually.TrueAsync(() => Server.Alive == 0);
    }

    [Fact]
    [Requirement("9113-3.4-4")]
    public async Task Section34_PrefaceWrong_ProtocolError()
    {
        await using var peer = await DialSilentAsync();

        await peer.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());

        Assert.Equal(Http2ErrorCode.ProtocolError, await peer.ReadGoAwayAsync());
    }

    [Fact]
    public async Task Section34_PrefaceCutEverywhere_Works()
    {
        await using var peer = await DialSilentAsync();

        foreach (var octet in RawFrame.Preface)
        {
            await peer.SendAsync([octet]);
        }

        await peer.SendAsync(RawFrame.Settings());

        await peer.ReadAsync(f => f.Type == FrameType.Settings && f.Has(RawFrame.Ack));
    }

    [Theory]
    [InlineData(FrameType.Ping, 0)]
    [InlineData(FrameType.Settings, RawFrame.Ack)]
    [Requirement("9113-3.4-4")]
    public async Task Section34_FirstFrameIsNotSettings_ProtocolError(object type, byte flags)
    {
        await using var peer = await DialSilentAsync();
        var payload = new byte[(FrameType)type == FrameType.Ping ? 8 : 0];

        await peer.SendAsync(RawFrame.Preface, RawFrame.Of((FrameType)type, flags, 0, payload));

        Assert.Equal(Http2ErrorCode.ProtocolError, await peer.ReadGoAwayAsync());
    }

    [Fact]
    [Requirement("9113-3.2-2", "9113-3.4-2", "9113-5.5-4", "9113-6.5-1", "9113-6.5-8", "9113-6.5.2-4", "9113-6.5.2-7")]
    public async Task Section34_ServerPreface_IsItsSettings()
    {
        await using var peer = await DialSilentAsync();

        var settings = await peer.ReadAsync();

        Assert.Equal(
            RawFrame.Settings((3, 200), (4, 4_194_304), (5, 1_048_576), (6, 65_536)), settings!.ToBytes());
        Assert.Equal(RawFrame.WindowUpdate(0, 16_777_216 - 65_535), (await peer.ReadAsync())!.ToBytes());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [Requirement("9113-4.1-2", "9113-4.1-3", "9113-5.5-1", "9113-5.5-2")]
    public async Task Section41_UnknownFrameAndFlags_Ignored(int streamId)
    {
        await using var peer = await DialAsync();

        await peer.SendAsync(
            RawFrame.Of((FrameType)UnknownType, 0xff, streamId, new byte[300_000]),
            RawFrame.Of(FrameType.Ping, 0xfe, 0, new byte[8]));

        Assert.Equal(new byte[8], (await peer.ReadAsync(FrameType.Ping)).Payload);
    }

    [Fact]
    [Requirement("9113-4.1-6")]
    public async Task Section41_ReservedBit_Ignored()
    {
        await using var peer = await DialAsync();

        await peer.SendAsync(RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 1 | int.MinValue,
            RawFrame.Block((":method", "CONNECT"), (":authority", "a:1"))));

        Assert.Equal(1, (await NextRequestAsync()).Stream.Id);
    }

    [Fact]
    [Requirement("9113-4.2-1")]
    public async Task Section42_FrameOfMaxFrameSize_Taken()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);

        await peer.SendAsync(RawFrame.Data(1, new byte[OneMebibyte], endStream: true));

        Assert.Equal(OneMebibyte, (await request.Stream.ReadToEndAsync()).Length);
    }

    [Fact]
    public async Task Section51_PriorityOnIdleStream_Ignored()
    {
        await using var peer = await DialAsync();

        await peer.SendAsync(RawFrame.Of(FrameType.Priority, 0, 99, new byte[5]));

        Assert.Empty(await peer.ReadAllAsync());
    }

    [Fact]
    public async Task Section62_PaddingAndPriorityInHeaders_Skipped()
    {
        await using var peer = await DialAsync();
        var block = RawFrame.Block((":method", "CONNECT"), (":authority", "a:1"));

        await peer.SendAsync(RawFrame.Of(
            FrameType.Headers,
            RawFrame.EndHeaders | RawFrame.Padded | RawFrame.Priority,
            1,
            [3, 0, 0, 0, 0, 15, .. block, 0, 0, 0]));

        Assert.Equal("a:1", (await NextRequestAsync()).Authority);
    }

    [Fact]
    [Requirement("9113-3.4-3", "9113-6.5-4", "9113-6.5.2-9", "9113-6.5.3-3")]
    public async Task Section65_Settings_Acknowledged()
    {
        await using var peer = await DialAsync();

        await peer.SendAsync(RawFrame.Settings((1, 0), (0xaaaa, 7)), RawFrame.Settings());

        var frames = await peer.ReadAllAsync();
        Assert.Equal([RawFrame.SettingsAck(), RawFrame.SettingsAck()], frames.Select(f => f.ToBytes()));
    }

    [Fact]
    [Requirement("9113-6.7-2")]
    public async Task Section67_Ping_AnsweredWithItsOctets()
    {
        await using var peer = await DialAsync();

        await peer.SendAsync(RawFrame.Ping("12345678"));

        Assert.Equal(
            RawFrame.Of(FrameType.Ping, RawFrame.Ack, 0, "12345678"u8.ToArray()), (await peer.ReadAsync())!.ToBytes());
    }

    [Fact]
    [Requirement("9113-10.5-2")]
    public async Task Section105_PeerThatNeverReadsItsPongs_CutOff()
    {
        await using var peer = await DialAsync();
        var pings = Enumerable.Repeat(RawFrame.Ping("not read"), 50_000).SelectMany(f => f).ToArray();

        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < 100; i++)
            {
                await peer.SendAsync(pings);
            }
        }, Token);

        await Assert.ThrowsAsync<IOException>(() => sending);
        await Eventually.TrueAsync(() => Server.Alive == 0);
    }

    [Fact]
    public async Task Section610_HeaderBlockInManyPieces_Decoded()
    {
        await using var peer = await DialAsync();
        var block = RawFrame.Block((":method", "CONNECT"), (":authority", "a:1"), ("x-long", new string('v', 50)));
        var pieces = block.Chunk(2).Select((piece, i) => RawFrame.Of(
            i == 0 ? FrameType.Headers : FrameType.Continuation,
            i == (block.Length - 1) / 2 ? RawFrame.EndHeaders : (byte)0,
            1,
            piece));

        await peer.SendAsync([.. pieces]);

        Assert.Equal(new string('v', 50), (await NextRequestAsync()).Header("x-long"));
    }
}
