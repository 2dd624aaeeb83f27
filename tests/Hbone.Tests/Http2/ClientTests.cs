using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2;

/// <summary>Our client against a server made by hand. RFC 9113 sections 5, 6.8, 8.1 and 8.5.</summary>
public sealed class ClientTests : HboneClientFixture
{
    public static TheoryData<string, byte[], Http2ErrorCode> StreamErrors => new()
    {
        { "9113-8.1.1-2,9113-8.1.1-3 1xx with END_STREAM", RawFrame.Headers(1, endStream: true, (":status", "103")), Http2ErrorCode.ProtocolError },
        { "9113-8.1.1-2 DATA before the answer", RawFrame.Data(1, [1]), Http2ErrorCode.ProtocolError },
        { "9113-8.1-3 trailers without END_STREAM", [.. RawFrame.Headers(1, false, (":status", "404")), .. RawFrame.Headers(1, false, ("a", "b"))], Http2ErrorCode.ProtocolError },
        { "9113-8.1-2 pseudo header in trailers", [.. RawFrame.Headers(1, false, (":status", "404")), .. RawFrame.Headers(1, true, (":status", "404"))], Http2ErrorCode.ProtocolError },
        { "9113-8.2.1-1 upper case name in trailers", [.. RawFrame.Headers(1, false, (":status", "404")), .. RawFrame.Headers(1, true, ("A", "b"))], Http2ErrorCode.ProtocolError },
        { "9113-8.2.2-2 connection-specific field in trailers", [.. RawFrame.Headers(1, false, (":status", "404")), .. RawFrame.Headers(1, true, ("upgrade", "b"))], Http2ErrorCode.ProtocolError },
        { "9113-8.2.1-1,9113-8.1.1-3 upper case name", RawFrame.Headers(1, false, (":status", "200"), ("Date", "now")), Http2ErrorCode.ProtocolError },
        { "9113-8.2.2-2 connection-specific field", RawFrame.Headers(1, false, (":status", "200"), ("connection", "close")), Http2ErrorCode.ProtocolError },
        { "9113-8.3.2-1 no status", RawFrame.Headers(1, false, ("a", "b")), Http2ErrorCode.ProtocolError },
        { "9113-8.1.1-2 status of two digits", RawFrame.Headers(1, false, (":status", "20")), Http2ErrorCode.ProtocolError },
        { "9113-8.1.1-2 status that is no number", RawFrame.Headers(1, false, (":status", "2x0")), Http2ErrorCode.ProtocolError },
        { "9113-8.3-2 request pseudo header", RawFrame.Headers(1, false, (":status", "200"), (":path", "/")), Http2ErrorCode.ProtocolError },
        { "9113-8.2.1-2 colon in a name", RawFrame.Headers(1, false, (":status", "200"), ("a:b", "c")), Http2ErrorCode.ProtocolError },
        { "9113-8.2.1-3 line feed in a value", RawFrame.Headers(1, false, (":status", "200"), ("a", "b\nc")), Http2ErrorCode.ProtocolError },
        { "9113-8.2.1-4 blank before a value", RawFrame.Headers(1, false, (":status", "200"), ("a", " b")), Http2ErrorCode.ProtocolError },
        { "9113-8.3-2 undefined pseudo header", RawFrame.Headers(1, false, (":status", "200"), (":a", "b")), Http2ErrorCode.ProtocolError },
        { "9113-8.3-3 pseudo header after a field", RawFrame.Headers(1, false, ("a", "b"), (":status", "200")), Http2ErrorCode.ProtocolError },
        { "9113-8.3-4 status twice", RawFrame.Headers(1, false, (":status", "200"), (":status", "200")), Http2ErrorCode.ProtocolError },
        { "9113-8.3.2-1 interim answer without status", [.. RawFrame.Headers(1, false, ("link", "x")), .. RawFrame.Headers(1, false, (":status", "200"))], Http2ErrorCode.ProtocolError },
        { "9113-8.5-3 HEADERS on the tunnel", [.. RawFrame.Headers(1, false, (":status", "200")), .. RawFrame.Headers(1, true, ("a", "b"))], Http2ErrorCode.ProtocolError },
        { "9113-8.5-3 HEADERS on a tunnel opened with 204", [.. RawFrame.Headers(1, false, (":status", "204")), .. RawFrame.Headers(1, true, ("a", "b"))], Http2ErrorCode.ProtocolError },
        { "9113-8.1.1-2 101", RawFrame.Headers(1, false, (":status", "101")), Http2ErrorCode.ProtocolError },
        { "6.5.2 header list above 16384", RawFrame.Headers(1, false, [(":status", "200"), .. Enumerable.Repeat(("a", new string('x', 4_000)), 5)]), Http2ErrorCode.ProtocolError },
    };

    public static TheoryData<string, byte[], Http2ErrorCode> ConnectionErrors => new()
    {
        { "9113-5.1-2,9113-5.1.1-4 server opens a stream", RawFrame.Headers(2, false, (":status", "200")), Http2ErrorCode.ProtocolError },
        { "9113-5.1.1-4 answer on a stream never opened", RawFrame.Headers(3, false, (":status", "200")), Http2ErrorCode.ProtocolError },
        { "9113-6.5.2-5 server announces ENABLE_PUSH 1", RawFrame.Settings((2, 1)), Http2ErrorCode.ProtocolError },
        { "9113-6.5.2-2,9113-6.6-4 PUSH_PROMISE", RawFrame.Of(FrameType.PushPromise, RawFrame.EndHeaders, 1, [0, 0, 0, 2, 0x88]), Http2ErrorCode.ProtocolError },
    };

    [Theory]
    [MemberData(nameof(StreamErrors))]
    public async Task MalformedAnswer_ResetAndTheCallerIsTold(string rule, byte[] octets, Http2ErrorCode code)
    {
        await ConnectAsync();
        var stream = Client.TryOpen(Request)!;
        await Server.ReadAsync(FrameType.Headers);

        await Server.SendAsync(octets);

        var reset = await Server.ReadAsync(FrameType.RstStream);
        Assert.Equal((rule, 1, code), (rule, reset.StreamId, (Http2ErrorCode)reset.Code));
        await Eventually.TrueAsync(() => stream.Failure is Http2StreamException { Code: Http2ErrorCode.ProtocolError });
        Assert.True(Client.IsOpen);
    }

    [Theory]
    [MemberData(nameof(ConnectionErrors))]
    public async Task BrokenFrame_EndsTheConnectionWithItsCode(string rule, byte[] octets, Http2ErrorCode code)
    {
        await ConnectAsync();
        var stream = Client.TryOpen(Request)!;
        await Server.ReadAsync(FrameType.Headers);

        await Server.SendAsync(octets);

        Assert.Equal((rule, code), (rule, await Server.ReadGoAwayAsync()));
        await Assert.ThrowsAsync<Http2ConnectionException>(() => Client.WaitAnswerAsync(stream).AsTask());
        Assert.Null(Client.TryOpen(Request));
    }

    [Fact]
    [Requirement("9113-3.2-2", "9113-3.4-1", "9113-5.5-4", "9113-6.5-1", "9113-6.5-8", "9113-6.5.2-7")]
    public async Task Section34_ClientPreface_SettingsAndWindow()
    {
        await ConnectAsync(http2: false);

        await Server.ReadPrefaceAsync();

        Assert.Equal(
            RawFrame.Settings((2, 0), (4, 4_194_304), (5, 1_048_576), (6, 16_384)), (await Server.ReadAsync())!.ToBytes());
        Assert.Equal(RawFrame.WindowUpdate(0, 16_777_216 - 65_535), (await Server.ReadAsync())!.ToBytes());
    }

    [Fact]
    public async Task Section81_InterimAnswers_AreSkipped()
    {
        await ConnectAsync();
        var stream = Client.TryOpen(Request)!;
        await Server.ReadAsync(FrameType.Headers);

        await Server.SendAsync(
            RawFrame.Headers(1, false, (":status", "100")),
            RawFrame.Headers(1, false, (":status", "103"), ("link", "x")),
            RawFrame.Headers(1, false, (":status", "200"), ("baggage", "a=b")));

        var answer = await Client.WaitAnswerAsync(stream);
        Assert.Equal(200, answer.Status);
        Assert.Equal([new HeaderField("baggage", "a=b")], answer.Headers);
    }

    [Fact]
    [Requirement("9113-8.1-4")]
    public async Task Section81_EndStreamThenNoErrorReset_EverythingThenTheEnd()
    {
        var stream = await OpenAsync();

        await Server.SendAsync(
            RawFrame.Data(1, "all there is"u8.ToArray(), endStream: true), RawFrame.Reset(1, Http2ErrorCode.NoError));

        await Eventually.TrueAsync(() => stream.Failure is not null);
        var (bytes, end) = await stream.ReadAllAsync();
        Assert.Equal("all there is"u8.ToArray(), bytes);
        Assert.Equal(StreamReadKind.End, end);
        Assert.False(await stream.SendAsync("not wanted"u8.ToArray()));
    }

    [Theory]
    [InlineData(Http2ErrorCode.NoError)]
    [InlineData(Http2ErrorCode.Cancel)]
    [InlineData(Http2ErrorCode.InternalError)]
    [InlineData(Http2ErrorCode.ConnectError)]
    public async Task Section54_ResetWithoutEndStream_WhatCameThenTheReset(Http2ErrorCode code)
    {
        var stream = await OpenAsync();

        await Server.SendAsync(RawFrame.Data(1, "not all"u8.ToArray()), RawFrame.Reset(1, code));

        await Eventually.TrueAsync(() => stream.Failure is not null);
        var (bytes, end) = await stream.ReadAllAsync();
        Assert.Equal("not all"u8.ToArray(), bytes);
        Assert.Equal(StreamReadKind.Reset, end);
        Assert.Equal(code, stream.Failure!.Code);
    }

    [Fact]
    public async Task P2_PartlyTakenPayload_IsThereAfterTheConnectionDied()
    {
        var stream = await OpenAsync();
        await Server.SendAsync(RawFrame.Data(1, "first"u8.ToArray()), RawFrame.Data(1, "second"u8.ToArray()));
        var first = await stream.ReadAsync();
        stream.Return(first);

        await Server.DisposeAsync();
        await Client.Completion;

        var (rest, end) = await stream.ReadAllAsync();
        Assert.Equal("firstsecond".Length, first.Data.Length + rest.Length);
        Assert.Equal(StreamReadKind.Reset, end);
        Assert.IsType<Http2ConnectionException>(stream.Failure);
    }

    [Fact]
    [Requirement("9113-6.8-1")]
    public async Task Section68_GoAway_StreamsAboveTheLastAreRefusedTheOthersGoOn()
    {
        await ConnectAsync();
        var first = Client.TryOpen(Request)!;
        var second = Client.TryOpen(Request)!;
        await Server.ReadAsync(f => f.Type == FrameType.Headers && f.StreamId == 3);

        await Server.SendAsync(RawFrame.GoAway(1, Http2ErrorCode.NoError));

        var e = await Assert.ThrowsAsync<Http2StreamException>(() => Client.WaitAnswerAsync(second).AsTask());
        Assert.Equal(Http2ErrorCode.RefusedStream, e.Code);
        Assert.False(Client.IsOpen);
        Assert.Null(Client.TryOpen(Request));
        await Server.SendAsync(
            RawFrame.Headers(1, false, (":status", "200")), RawFrame.Data(1, "late"u8.ToArray(), endStream: true));
        Assert.Equal(200, (await Client.WaitAnswerAsync(first)).Status);
        Assert.Equal("late"u8.ToArray(), await first.ReadToEndAsync());
        first.CompleteWrites();
        Assert.Equal(Http2ErrorCode.NoError, await Server.ReadGoAwayAsync());
    }

    [Fact]
    [Requirement("9113-5.1.2-1")]
    public async Task Section512_MoreThanTheServerAllows_NotOpened()
    {
        await ConnectAsync(settings: (3, 2));
        Assert.NotNull(Client.TryOpen(Request));
        var second = Client.TryOpen(Request);
        Assert.NotNull(second);

        Assert.Null(Client.TryOpen(Request));
        second.Reset(Http2ErrorCode.Cancel);

        Assert.NotNull(Client.TryOpen(Request));
    }

    [Fact]
    public async Task Header_AboveLatin1_RefusedAndTheConnectionGoesOn()
    {
        await ConnectAsync();

        Assert.Throws<ArgumentException>(() => Client.TryOpen([.. Request, new HeaderField("baggage", "\u2713")]));

        Assert.Equal(0, Client.ActiveStreams);
        Assert.Equal(1, Client.TryOpen(Request)!.Id);
    }

    [Fact]
    public async Task Drain_ClosesAfterTheLastStream()
    {
        var stream = await OpenAsync();

        Client.Drain();
        Assert.Null(Client.TryOpen(Request));
        await Server.SendAsync(RawFrame.Data(1, "the rest"u8.ToArray(), endStream: true));
        Assert.Equal("the rest"u8.ToArray(), await stream.ReadToEndAsync());
        stream.CompleteWrites();

        await Server.ReadAsync(f => f.Type == FrameType.Data && f.Has(RawFrame.EndStream));
        while (await Server.ReadAsync() is { } frame)
        {
            Assert.Equal(RawFrame.GoAway(0, Http2ErrorCode.NoError), frame.ToBytes());
        }
    }

    [Fact]
    [Requirement("9113-4.3.1-1")]
    public async Task Section42_ServerOfTinyHeaderTable_HeadersStillDecode()
    {
        await ConnectAsync(settings: (1, 0));
        Client.TryOpen(Request);
        Client.TryOpen(Request);

        // Table size update to 0 first, then literals only.
        var first = await Server.ReadAsync(FrameType.Headers);
        var second = await Server.ReadAsync(FrameType.Headers);
        Assert.Equal(0x20, first.Payload[0]);
        Assert.Equal(first.Payload[1..], second.Payload);
    }
}
