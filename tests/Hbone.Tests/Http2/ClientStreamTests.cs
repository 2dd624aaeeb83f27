using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2;

/// <summary>Streams that our client opens, ends and resets. RFC 9113 sections 4.3, 5.1, 6.4 and 8.5.</summary>
public sealed class ClientStreamTests : HboneClientFixture
{
    [Fact]
    [Requirement("9113-5.1.1-1", "9113-5.1.1-3", "9113-8.3.1-2", "9113-8.5-1")]
    public async Task Section85_Requests_ConnectOnRisingOddStreams()
    {
        await ConnectAsync();

        var ids = new List<int>();
        var decoder = new HpackDecoder(4_096, int.MaxValue);
        for (var i = 0; i < 3; i++)
        {
            Client.TryOpen(Request);
            var headers = await Server.ReadAsync(FrameType.Headers);
            var fields = new List<HeaderField>();
            decoder.Decode(headers.Payload, fields);
            ids.Add(headers.StreamId);
            Assert.Equal(Request, fields);
            Assert.False(headers.Has(RawFrame.EndStream));
        }

        Assert.Equal([1, 3, 5], ids);
    }

    [Fact]
    [Requirement("9113-4.1-1", "9113-4.3-1", "9113-6.2-2", "9113-6.10-1", "9113-8.1-1")]
    public async Task Section43_LongRequest_HeadersAndContinuationsInOneRow()
    {
        await ConnectAsync(settings: (1, 0)); // literals only: what was split is not decoded here

        Client.TryOpen([.. Request, new HeaderField("baggage", new string('\u00fe', 40_000))]);
        Client.TryOpen(Request);

        var frames = await Server.ReadAllAsync();
        Assert.Equal(FrameType.Headers, frames[0].Type);
        var last = frames.FindIndex(f => f.Has(RawFrame.EndHeaders));
        Assert.InRange(last, 2, frames.Count - 2);
        Assert.All(frames[1..(last + 1)], f => Assert.Equal((FrameType.Continuation, 1), (f.Type, f.StreamId)));
        Assert.All(frames, f => Assert.InRange(f.Payload.Length, 0, 16_384));
        Assert.Equal((FrameType.Headers, 3), (frames[last + 1].Type, frames[last + 1].StreamId));
    }

    [Fact]
    [Requirement("7541-4.2-3", "9113-4.3.1-1", "9113-6.5.3-2")]
    public async Task Section42_TableSizesInOneFrame_SmallestThenFinalAreTold()
    {
        await ConnectAsync(settings: [(1, 0), (1, 4_096)]);

        Client.TryOpen(Request);

        Assert.Equal([0x20, 0x3f, 0xe1, 0x1f], (await Server.ReadAsync(FrameType.Headers)).Payload[..4]);
    }

    [Fact]
    [Requirement("9113-5.1-7", "9113-6.1-3")]
    public async Task Section51_DataAfterEndStream_StreamClosed()
    {
        await OpenAsync();

        await Server.SendAsync(RawFrame.Data(1, [], endStream: true), RawFrame.Data(1, [1]));

        Assert.Equal(RawFrame.Reset(1, Http2ErrorCode.StreamClosed), Assert.Single(await Server.ReadAllAsync()).ToBytes());
    }

    [Fact]
    [Requirement("9113-5.1-7")]
    public async Task Section51_HeadersAfterEndStream_StreamClosed()
    {
        await OpenAsync();

        await Server.SendAsync(RawFrame.Data(1, [], endStream: true), RawFrame.Headers(1, true, ("a", "b")));

        Assert.Equal(RawFrame.Reset(1, Http2ErrorCode.StreamClosed), Assert.Single(await Server.ReadAllAsync()).ToBytes());
    }

    [Fact]
    [Requirement("9113-5.1-8", "9113-5.4.2-2", "9113-6.4-1")]
    public async Task Section64_AfterReceivingReset_NothingIsSentOnTheStream()
    {
        var stream = await OpenAsync();
        await Server.SendAsync(RawFrame.Data(1, new byte[3 * 1024 * 1024 / 4]), RawFrame.Reset(1, Http2ErrorCode.Cancel));
        await Eventually.TrueAsync(() => stream.Failure is not null);

        await stream.ReadAllAsync();
        Assert.False(await stream.SendAsync("too late"u8.ToArray()));
        stream.CompleteWrites();
        stream.Reset(Http2ErrorCode.Cancel);

        Assert.Empty(await Server.ReadAllAsync());
    }

    [Fact]
    [Requirement("9113-4.3-2", "9113-5.1-9", "9113-5.4.2-1", "9113-6.4-2", "9113-10.5.1-1")]
    public async Task Section51_FramesAfterOurReset_DecodedAndDiscarded()
    {
        await ConnectAsync();
        var stream = await RequestAsync();
        stream.Reset(Http2ErrorCode.Cancel);
        Assert.Equal(RawFrame.Reset(1, Http2ErrorCode.Cancel), (await Server.ReadAsync(FrameType.RstStream)).ToBytes());

        // The block is longer than the 16,384 octets that we take, too. It leaves a: 1 in the table all the same.
        byte[] answer = [0x88, 0x40, 1, (byte)'a', 1, (byte)'1', .. RawFrame.Block([.. Enumerable.Repeat(("b", new string('x', 10_000)), 2)])];
        await Server.SendAsync(
            RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 1, answer),
            RawFrame.Data(1, [1, 2, 3], endStream: true),
            RawFrame.WindowUpdate(1, 1),
            RawFrame.Reset(1, Http2ErrorCode.NoError));
        Assert.Empty(await Server.ReadAllAsync());
        var next = await RequestAsync();
        await Server.SendAsync(RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 3, 0x88, 0xbe));

        Assert.Equal([new HeaderField("a", "1")], (await Client.WaitAnswerAsync(next)).Headers);
    }

    [Fact]
    [Requirement("9113-8.1.1-4")]
    public async Task Section811_ContentLengthOnTheAnswer_IsNotTheTunnels()
    {
        await ConnectAsync();
        var stream = await RequestAsync();

        await Server.SendAsync(
            RawFrame.Headers(1, false, (":status", "200"), ("content-length", "3")),
            RawFrame.Data(1, "longer than three"u8.ToArray(), endStream: true));

        Assert.Equal("longer than three"u8.ToArray(), await stream.ReadToEndAsync());
    }

    [Fact]
    public async Task Section85_AnswerWithEndStream_TunnelThatWritesOnly()
    {
        await ConnectAsync();
        var stream = await RequestAsync();

        await Server.SendAsync(RawFrame.Headers(1, endStream: true, (":status", "200")));

        Assert.Equal(200, (await Client.WaitAnswerAsync(stream)).Status);
        Assert.Empty(await stream.ReadToEndAsync());
        Assert.True(await stream.SendAsync("one way"u8.ToArray()));
        Assert.Equal("one way"u8.ToArray(), (await Server.ReadAsync(FrameType.Data)).Payload);
    }

    [Fact]
    [Requirement("9113-4.1-4", "9113-4.1-5", "9113-6.4-4", "9113-6.8-3", "9113-8.4.1-2", "9113-8.5-4")]
    public async Task Section41_FramesThatWeSend_OnlyDefinedFlags()
    {
        var tunnel = await OpenAsync();
        Assert.True(await tunnel.SendAsync("data"u8.ToArray()));
        tunnel.CompleteWrites();
        Client.TryOpen(Request)!.Reset(Http2ErrorCode.Cancel);
        await Server.SendAsync(RawFrame.Settings(), RawFrame.Ping("and back"));
        Client.Drain();
        await Server.SendAsync(RawFrame.Data(1, [], endStream: true));

        var frames = await Server.ReadToCloseAsync();

        SentFrames.AssertClean(frames);
        Assert.Equal(
            [FrameType.Data, FrameType.Headers, FrameType.RstStream], frames.Where(f => f.StreamId > 0).Select(f => f.Type).Distinct());
        Assert.All(frames.Where(f => f.Type == FrameType.GoAway), f => Assert.Equal(RawFrame.GoAway(0, Http2ErrorCode.NoError), f.ToBytes()));
    }
}
