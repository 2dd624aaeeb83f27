using System.Net.Security;
using Hbone.Http2;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2;

/// <summary>What a server may not put on the wire, and what our client says to it. RFC 9113 sections 3 to 7.</summary>
public sealed class ClientFramingTests : HboneClientFixture
{
    private const byte UnknownType = 0xfa;
    private const int OneMebibyte = 1024 * 1024;

    private static readonly byte[] Ok = RawFrame.Headers(1, false, (":status", "200"));
    private static readonly byte[] HeadersBegun = RawFrame.Of(FrameType.Headers, 0, 1, 0x88);

    /// <summary>Octets after a request on stream 1, and the code of the connection error they are.</summary>
    public static TheoryData<string, byte[], Http2ErrorCode> ConnectionErrors => new()
    {
        { "9113-4.2-2,9113-5.4-1,9113-5.4.1-1 longer than MAX_FRAME_SIZE", RawFrame.Of(FrameType.Data, 0, 1, new byte[OneMebibyte + 1]), Http2ErrorCode.FrameSizeError },
        { "9113-4.2-3 HEADERS shorter than its priority", RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders | RawFrame.Priority, 1, 0, 0), Http2ErrorCode.FrameSizeError },
        { "9113-4.3-3 integer without an end", RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), Http2ErrorCode.CompressionError },
        { "9113-4.3-3 index of no entry", RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 1, 0xfe), Http2ErrorCode.CompressionError },
        { "9113-4.3-2,9113-4.3-3 broken block on a closed stream", [.. RawFrame.Reset(1, Http2ErrorCode.Cancel), .. RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 1, 0x80)], Http2ErrorCode.CompressionError },
        { "9113-5.1-1 DATA on idle stream", RawFrame.Data(3, [1]), Http2ErrorCode.ProtocolError },
        { "9113-5.1-1,9113-6.4-5 RST_STREAM on idle stream", RawFrame.Reset(3, Http2ErrorCode.Cancel), Http2ErrorCode.ProtocolError },
        { "9113-5.1-1,9113-6.4-4 WINDOW_UPDATE of 0 on idle stream", RawFrame.WindowUpdate(3, 0), Http2ErrorCode.ProtocolError },
        { "9113-5.1-1 DATA on idle stream of the server's", RawFrame.Data(2, [1]), Http2ErrorCode.ProtocolError },
        { "9113-5.1-2,9113-5.1.1-4 HEADERS on idle stream of the server's", RawFrame.Headers(2, false, (":status", "200")), Http2ErrorCode.ProtocolError },
        { "9113-5.5-3,9113-6.2-3 unknown frame after HEADERS", [.. HeadersBegun, .. RawFrame.Of((FrameType)UnknownType, 0, 1)], Http2ErrorCode.ProtocolError },
        { "9113-6.1-2 DATA on stream 0", RawFrame.Data(0, [1]), Http2ErrorCode.ProtocolError },
        { "9113-6.1-4 padding as long as DATA", [.. Ok, .. RawFrame.Of(FrameType.Data, RawFrame.Padded, 1, 4, 1, 2, 3)], Http2ErrorCode.ProtocolError },
        { "9113-6.2-3,9113-8.1-1 PING after HEADERS", [.. HeadersBegun, .. RawFrame.Ping("inside!!")], Http2ErrorCode.ProtocolError },
        { "9113-6.2-3 CONTINUATION of another stream", [.. HeadersBegun, .. RawFrame.Of(FrameType.Continuation, RawFrame.EndHeaders, 3)], Http2ErrorCode.ProtocolError },
        { "9113-6.2-4 HEADERS on stream 0", RawFrame.Headers(0, false, (":status", "200")), Http2ErrorCode.ProtocolError },
        { "9113-6.2-5 padding as long as HEADERS", RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders | RawFrame.Padded, 1, 2, 0x88), Http2ErrorCode.ProtocolError },
        { "9113-6.3-1 PRIORITY on stream 0", RawFrame.Of(FrameType.Priority, 0, 0, new byte[5]), Http2ErrorCode.ProtocolError },
        { "9113-6.3-2 PRIORITY of 6 octets", RawFrame.Of(FrameType.Priority, 0, 1, new byte[6]), Http2ErrorCode.FrameSizeError },
        { "9113-6.4-3 RST_STREAM on stream 0", RawFrame.Reset(0, Http2ErrorCode.Cancel), Http2ErrorCode.ProtocolError },
        { "9113-6.4-6 RST_STREAM of 5 octets", RawFrame.Of(FrameType.RstStream, 0, 1, new byte[5]), Http2ErrorCode.FrameSizeError },
        { "9113-6.5-3 SETTINGS ACK with payload", RawFrame.Of(FrameType.Settings, RawFrame.Ack, 0, new byte[6]), Http2ErrorCode.FrameSizeError },
        { "9113-6.5-5 SETTINGS on a stream", RawFrame.Of(FrameType.Settings, 0, 1), Http2ErrorCode.ProtocolError },
        { "9113-6.5-6,9113-6.5-7 SETTINGS of 7 octets", RawFrame.Of(FrameType.Settings, 0, 0, new byte[7]), Http2ErrorCode.FrameSizeError },
        { "9113-6.5.2-3 ENABLE_PUSH 2", RawFrame.Settings((2, 2)), Http2ErrorCode.ProtocolError },
        { "9113-6.5.2-6 INITIAL_WINDOW_SIZE 2^31", RawFrame.Settings((4, 1u << 31)), Http2ErrorCode.FlowControlError },
        { "9113-6.5.2-8 MAX_FRAME_SIZE 16383", RawFrame.Settings((5, 16_383)), Http2ErrorCode.ProtocolError },
        { "9113-6.5.2-8 MAX_FRAME_SIZE 2^24", RawFrame.Settings((5, 1 << 24)), Http2ErrorCode.ProtocolError },
        { "9113-6.6-3 PUSH_PROMISE on stream 0", RawFrame.Of(FrameType.PushPromise, RawFrame.EndHeaders, 0, [0, 0, 0, 2, 0x82]), Http2ErrorCode.ProtocolError },
        { "9113-6.6-5 PUSH_PROMISE on a closed stream", [.. RawFrame.Reset(1, Http2ErrorCode.Cancel), .. RawFrame.Of(FrameType.PushPromise, RawFrame.EndHeaders, 1, [0, 0, 0, 2, 0x82])], Http2ErrorCode.ProtocolError },
        { "9113-6.6-7 PUSH_PROMISE of an odd stream", RawFrame.Of(FrameType.PushPromise, RawFrame.EndHeaders, 1, [0, 0, 0, 3, 0x82]), Http2ErrorCode.ProtocolError },
        { "9113-6.7-4 PING on a stream", RawFrame.Of(FrameType.Ping, 0, 1, new byte[8]), Http2ErrorCode.ProtocolError },
        { "9113-6.7-5 PING of 9 octets", RawFrame.Of(FrameType.Ping, 0, 0, new byte[9]), Http2ErrorCode.FrameSizeError },
        { "9113-6.8-2 GOAWAY on a stream", RawFrame.Of(FrameType.GoAway, 0, 1, new byte[8]), Http2ErrorCode.ProtocolError },
        { "9113-6.9-3 WINDOW_UPDATE of 0 on the connection", RawFrame.WindowUpdate(0, 0), Http2ErrorCode.ProtocolError },
        { "9113-6.9-6 WINDOW_UPDATE of 5 octets on a stream", RawFrame.Of(FrameType.WindowUpdate, 0, 1, new byte[5]), Http2ErrorCode.FrameSizeError },
        { "9113-6.9.1-3 connection window beyond 2^31-1", RawFrame.WindowUpdate(0, int.MaxValue), Http2ErrorCode.FlowControlError },
        { "9113-6.9.2-3 SETTINGS that widen a stream beyond 2^31-1", [.. RawFrame.WindowUpdate(1, int.MaxValue - 65_535), .. RawFrame.Settings((4, 65_536))], Http2ErrorCode.FlowControlError },
        { "9113-6.10-2 DATA after CONTINUATION", [.. HeadersBegun, .. RawFrame.Of(FrameType.Continuation, 0, 1), .. RawFrame.Data(1, [1])], Http2ErrorCode.ProtocolError },
        { "9113-6.10-3 CONTINUATION on stream 0", RawFrame.Of(FrameType.Continuation, RawFrame.EndHeaders, 0), Http2ErrorCode.ProtocolError },
        { "9113-6.10-4 CONTINUATION after a whole block", [.. Ok, .. RawFrame.Of(FrameType.Continuation, RawFrame.EndHeaders, 1)], Http2ErrorCode.ProtocolError },
    };

    [Theory]
    [MemberData(nameof(ConnectionErrors))]
    public async Task BrokenFrame_EndsTheConnectionWithItsCode(string rule, byte[] octets, Http2ErrorCode code)
    {
        await ConnectAsync();
        await RequestAsync();

        await Server.SendAsync(octets);

        Assert.Equal((rule, code), (rule, await Server.ReadGoAwayAsync()));
        Assert.False(Client.IsOpen);
    }

    [Fact]
    [Requirement("9113-3.2-1", "9113-3.3-1")]
    public async Task Section32_ServerThatPrefersH2c_H2IsAllThatIsOffered()
    {
        await ConnectAsync(
            http2: false,
            configure: o => o.ApplicationProtocols = [new("h2c"), SslApplicationProtocol.Http11, SslApplicationProtocol.Http2]);

        Assert.Equal(SslApplicationProtocol.Http2, Server.Tls.NegotiatedApplicationProtocol);
    }

    [Theory]
    [InlineData(FrameType.Ping, 0)]
    [InlineData(FrameType.Settings, RawFrame.Ack)]
    [Requirement("9113-3.4-4")]
    public async Task Section34_FirstFrameIsNotSettings_ProtocolError(object type, byte flags)
    {
        await ConnectAsync(http2: false);
        await Server.ReadPrefaceAsync();

        await Server.SendAsync(
            RawFrame.Of((FrameType)type, flags, 0, new byte[(FrameType)type == FrameType.Ping ? 8 : 0]));

        Assert.Equal(Http2ErrorCode.ProtocolError, await Server.ReadGoAwayAsync());
    }

    [Fact]
    [Requirement("9113-3.4-3", "9113-6.5-4", "9113-6.5.3-3")]
    public async Task Section653_Settings_AcknowledgedAtOnceAndEmpty()
    {
        await ConnectAsync();

        await Server.SendAsync(RawFrame.Settings((3, 7)), RawFrame.Settings());

        var frames = await Server.ReadAllAsync();
        Assert.Equal([RawFrame.SettingsAck(), RawFrame.SettingsAck()], frames.Select(f => f.ToBytes()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(8)]
    [Requirement("9113-4.1-2", "9113-4.1-3", "9113-5.5-1", "9113-5.5-2", "9113-6.5.2-9")]
    public async Task Section41_UnknownFramesFlagsAndSettings_Ignored(int streamId)
    {
        var stream = await OpenAsync();

        await Server.SendAsync(
            RawFrame.Of((FrameType)UnknownType, 0xff, streamId, new byte[300_000]),
            RawFrame.Settings((0xaaaa, 7), (8, 1)),
            RawFrame.Of(FrameType.Data, 0xf6, 1, "data"u8.ToArray()),
            RawFrame.Data(1, [], endStream: true));

        Assert.Equal("data"u8.ToArray(), await stream.ReadToEndAsync());
        Assert.Equal(RawFrame.SettingsAck(), Assert.Single(await Server.ReadAllAsync()).ToBytes());
    }

    [Fact]
    [Requirement("9113-4.1-6")]
    public async Task Section41_ReservedBit_Ignored()
    {
        var stream = await OpenAsync();

        await Server.SendAsync(RawFrame.Data(1 | int.MinValue, "data"u8.ToArray(), endStream: true));

        Assert.Equal("data"u8.ToArray(), await stream.ReadToEndAsync());
    }

    [Theory]
    [InlineData(16_384)]
    [InlineData(OneMebibyte)]
    [Requirement("9113-4.2-1")]
    public async Task Section42_LongFrame_Taken(int length)
    {
        var stream = await OpenAsync();

        await Server.SendAsync(RawFrame.Data(1, new byte[length], endStream: true));

        Assert.Equal(length, (await stream.ReadToEndAsync()).Length);
    }

    [Fact]
    [Requirement("9113-6.7-2", "9113-6.7-3")]
    public async Task Section67_Ping_AnsweredUnlessItIsAnAnswer()
    {
        await ConnectAsync();

        await Server.SendAsync(
            RawFrame.Of(FrameType.Ping, RawFrame.Ack, 0, "unasked!"u8.ToArray()), RawFrame.Ping("12345678"));

        Assert.Equal(
            RawFrame.Of(FrameType.Ping, RawFrame.Ack, 0, "12345678"u8.ToArray()), (await Server.ReadAsync())!.ToBytes());
    }

    [Fact]
    [Requirement("9113-6.7-1")]
    public async Task Section67_SilentServer_PingOfEightOctets()
    {
        var time = new ManualTime();
        await ConnectAsync(time: time);

        time.Advance(TimeSpan.FromSeconds(10)); // what came so far
        time.Advance(TimeSpan.FromSeconds(10));

        var ping = await Server.ReadAsync(FrameType.Ping);
        Assert.Equal((0, 0, 8), (ping.StreamId, ping.Flags, ping.Payload.Length));
    }

    [Fact]
    [Requirement("9113-5.5-1", "9113-7-1")]
    public async Task Section7_UnknownErrorCodes_AreJustErrors()
    {
        var stream = await OpenAsync();
        var other = await OpenNextAsync();

        await Server.SendAsync(
            RawFrame.Reset(1, (Http2ErrorCode)0xdead),
            RawFrame.Of(FrameType.GoAway, 0, 0, [0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff, .. "debug data"u8]),
            RawFrame.Data(3, "still here"u8.ToArray(), endStream: true));

        Assert.Equal("still here"u8.ToArray(), await other.ReadToEndAsync());
        Assert.Equal((Http2ErrorCode)0xdead, stream.Failure!.Code);
    }
}
