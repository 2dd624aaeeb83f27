using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2;

/// <summary>What our server makes of settings, resets and late frames. RFC 9113 sections 4 to 7.</summary>
public sealed class ServerConnectionTests : HboneServerFixture
{
    [Fact]
    [Requirement("9113-4.3.1-1", "9113-6.5.3-2", "7541-4.2-3")]
    public async Task Section42_TableSizesInOneFrame_SmallestThenFinalAreTold()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(RawFrame.Settings((1, 0), (1, 4_096)), RawFrame.Connect(1));

        (await NextRequestAsync()).Accept();

        Assert.Equal([0x20, 0x3f, 0xe1, 0x1f, 0x88], (await peer.ReadAsync(FrameType.Headers)).Payload);
    }

    [Fact]
    [Requirement("9113-6.5-2", "9113-6.5.3-1")]
    public async Task Section652_SettingsOfTheClient_AreKept()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(
            RawFrame.Settings((1, 0), (2, 0), (3, 0), (4, 100_000), (5, 20_000), (6, 100)), RawFrame.WindowUpdate(0, 100_000));
        var request = await OpenAsync(peer, 1);

        Assert.True(await request.Stream.SendAsync(new byte[90_000]));

        var frames = (await peer.ReadAllAsync()).Where(f => f.Type == FrameType.Data);
        Assert.Equal([20_000, 20_000, 20_000, 20_000, 10_000], frames.Select(f => f.Payload.Length));
    }

    [Fact]
    [Requirement("9113-5.1-8", "9113-5.4.2-2", "9113-6.4-1")]
    public async Task Section64_AfterReceivingReset_NothingIsSentOnTheStream()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);
        await peer.SendAsync(RawFrame.Data(1, new byte[3 * 1024 * 1024 / 4]), RawFrame.Reset(1, Http2ErrorCode.Cancel));
        await Eventually.TrueAsync(() => request.Stream.Failure is not null);

        await request.Stream.ReadAllAsync();
        Assert.False(await request.Stream.SendAsync("too late"u8.ToArray()));
        request.Stream.CompleteWrites();
        request.Stream.Reset(Http2ErrorCode.Cancel);

        Assert.Empty(await peer.ReadAllAsync());
    }

    [Fact]
    [Requirement("9113-5.5-1", "9113-7-1")]
    public async Task Section7_UnknownErrorCodes_AreJustErrors()
    {
        await using var peer = await DialAsync();
        var first = await OpenAsync(peer, 1);
        var second = await OpenAsync(peer, 3);

        await peer.SendAsync(
            RawFrame.Reset(1, (Http2ErrorCode)0xdead),
            RawFrame.Of(FrameType.GoAway, 0, 0, [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, .. "debug data"u8]),
            RawFrame.Data(3, "still here"u8.ToArray(), endStream: true));

        Assert.Equal("still here"u8.ToArray(), await second.Stream.ReadToEndAsync());
        Assert.Equal((Http2ErrorCode)0xdead, first.Stream.Failure!.Code);
    }

    [Fact]
    [Requirement("9113-6.9-4")]
    public async Task Section69_WindowUpdateAfterTheEnd_NoError()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);

        await peer.SendAsync(RawFrame.Data(1, [], endStream: true), RawFrame.WindowUpdate(1, 1));
        await request.Stream.ReadToEndAsync();
        Assert.Empty(await peer.ReadAllAsync());
        request.Stream.CompleteWrites();
        await peer.ReadAsync(FrameType.Data);
        await peer.SendAsync(RawFrame.WindowUpdate(1, 1));

        Assert.Empty(await peer.ReadAllAsync());
    }

    [Fact]
    [Requirement("9113-6.7-3")]
    public async Task Section67_PingWithAck_NotAnswered()
    {
        await using var peer = await DialAsync();

        await peer.SendAsync(RawFrame.Of(FrameType.Ping, RawFrame.Ack, 0, "unasked!"u8.ToArray()));

        Assert.Empty(await peer.ReadAllAsync());
    }

    [Fact]
    [Requirement("9113-6.8-4", "9113-6.8-5")]
    public async Task Section68_StreamsAboveOurGoAway_DecodedAndCounted()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);
        (await ConnectionAsync()).Drain();
        var ping = await peer.ReadAsync(FrameType.Ping);
        await peer.SendAsync(RawFrame.Of(FrameType.Ping, RawFrame.Ack, 0, ping.Payload));
        Assert.Equal(RawFrame.GoAway(1, Http2ErrorCode.NoError), (await peer.ReadAsync(FrameType.GoAway)).ToBytes());

        await peer.SendAsync(RawFrame.Connect(3));
        await peer.SendAsync([.. Enumerable.Repeat(RawFrame.Data(3, new byte[1024 * 1024]), 8)]);
        await peer.SendAsync(RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 5, 0x80));

        Assert.Equal(RawFrame.Reset(3, Http2ErrorCode.RefusedStream), (await peer.ReadAsync())!.ToBytes());
        Assert.Equal(RawFrame.WindowUpdate(0, 8 * 1024 * 1024), (await peer.ReadAsync())!.ToBytes());
        Assert.Equal(Http2ErrorCode.CompressionError, await peer.ReadGoAwayAsync()); // stream 5 was decoded
        Assert.Equal(StreamReadKind.Reset, (await request.Stream.ReadAsync()).Kind);
    }

    [Fact]
    [Requirement("9113-4.1-4", "9113-4.1-5", "9113-6.4-4", "9113-6.7-1", "9113-8.5-4")]
    public async Task Section41_FramesThatWeSend_OnlyDefinedFlags()
    {
        await using var peer = await DialSilentAsync();
        await peer.SendAsync(RawFrame.Preface, RawFrame.Settings(), RawFrame.Connect(1), RawFrame.Connect(3));
        var request = await NextRequestAsync();
        request.Accept(new HeaderField("baggage", new string('\u00fe', 20_000)));
        Assert.True(await request.Stream.SendAsync("data"u8.ToArray()));
        (await NextRequestAsync()).Refuse(503);
        request.Stream.CompleteWrites();
        (await ConnectionAsync()).Drain();

        var frames = await peer.ReadAllAsync();

        SentFrames.AssertClean(frames);
        Assert.Equal(
            [FrameType.Headers, FrameType.Continuation, FrameType.Data, FrameType.Data],
            frames.Where(f => f.StreamId == 1).Select(f => f.Type));
        Assert.Equal(8, frames.Single(f => f.Type == FrameType.Ping).Payload.Length);
    }
}
