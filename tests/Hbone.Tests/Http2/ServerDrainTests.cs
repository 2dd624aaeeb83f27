using Hbone.Http2;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2;

/// <summary>Graceful and forced ends of a connection, seen by a client. RFC 9113 section 6.8.</summary>
public sealed class ServerDrainTests : HboneServerFixture
{
    [Fact]
    [Requirement("9113-6.8-3")]
    public async Task Section68_Drain_AnnouncesThenNamesTheLastStreamThenEnds()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);

        (await ConnectionAsync()).Drain();
        var warning = await peer.ReadAsync();
        var ping = await peer.ReadAsync();
        Assert.Equal(RawFrame.GoAway(int.MaxValue, Http2ErrorCode.NoError), warning!.ToBytes());
        Assert.Equal(FrameType.Ping, ping!.Type);

        // Sent before the client knew: still served. Sent after the second GOAWAY: refused.
        await peer.SendAsync(RawFrame.Connect(3), RawFrame.Of(FrameType.Ping, RawFrame.Ack, 0, ping.Payload));
        var onItsWay = await NextRequestAsync();
        Assert.Equal(
            RawFrame.GoAway(3, Http2ErrorCode.NoError), (await peer.ReadAsync(FrameType.GoAway)).ToBytes());
        await peer.SendAsync(RawFrame.Connect(5));
        Assert.Equal(RawFrame.Reset(5, Http2ErrorCode.RefusedStream), Assert.Single(await peer.ReadAllAsync()).ToBytes());

        onItsWay.Refuse(503);
        await peer.SendAsync(RawFrame.Data(1, "the rest"u8.ToArray(), endStream: true));
        Assert.Equal("the rest"u8.ToArray(), await request.Stream.ReadToEndAsync());
        request.Stream.CompleteWrites();
        await ReadToEndAsync(peer, lastStreamId: 3);
        await Eventually.TrueAsync(() => Server.Alive == 0);
    }

    [Fact]
    public async Task Section68_DrainOfIdleConnection_EndsWhenThePingIsAnswered()
    {
        await using var peer = await DialAsync();

        (await ConnectionAsync()).Drain();
        var ping = await peer.ReadAsync(FrameType.Ping);
        await peer.SendAsync(RawFrame.Of(FrameType.Ping, RawFrame.Ack, 0, ping.Payload));

        await ReadToEndAsync(peer, lastStreamId: 0);
        await Eventually.TrueAsync(() => Server.Alive == 0);
    }

    [Fact]
    public async Task Section68_DrainTwiceAndPingAnsweredTwice_OneWarningAndOneLastStream()
    {
        await using var peer = await DialAsync();
        await OpenAsync(peer, 1);

        (await ConnectionAsync()).Drain();
        (await ConnectionAsync()).Drain();
        var ping = await peer.ReadAsync(FrameType.Ping);
        var ack = RawFrame.Of(FrameType.Ping, RawFrame.Ack, 0, ping.Payload);
        await peer.SendAsync(ack, ack);

        Assert.Equal(
            RawFrame.GoAway(1, Http2ErrorCode.NoError), Assert.Single(await peer.ReadAllAsync()).ToBytes());
    }

    [Fact]
    public async Task Section68_ClientSaysGoAway_ServerEndsAfterTheLastStream()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);

        await peer.SendAsync(RawFrame.GoAway(0, Http2ErrorCode.NoError));
        await peer.SendAsync(RawFrame.Data(1, [], endStream: true));
        await request.Stream.ReadToEndAsync();
        request.Stream.CompleteWrites();

        await ReadToEndAsync(peer, lastStreamId: 1);
    }

    [Fact]
    public async Task Dispose_LiveTunnel_GoAwayAndTheEnd()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);

        await (await ConnectionAsync()).DisposeAsync();

        Assert.Equal(Http2ErrorCode.NoError, await peer.ReadGoAwayAsync());
        Assert.Equal(StreamReadKind.Reset, (await request.Stream.ReadAsync()).Kind);
    }

    [Fact]
    public async Task Dispose_Often_IsFine()
    {
        await using var peer = await DialAsync();
        await OpenAsync(peer, 1);
        var connection = await ConnectionAsync();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => connection.DisposeAsync().AsTask(), Token)));

        Assert.True(connection.Completion.IsCompletedSuccessfully);
        connection.Drain();
    }

    [Fact]
    public async Task Drain_SlowReader_GetsEverythingBeforeTheEnd()
    {
        const int Length = 16 * 1024 * 1024;
        const int Late = 1024 * 1024;
        await using var peer = await DialAsync(receiveBuffer: 64 * 1024);
        await peer.SendAsync(RawFrame.WindowUpdate(0, 64 * 1024 * 1024), RawFrame.Settings((4, 64 * 1024 * 1024)));
        var request = await OpenAsync(peer, 1);
        (await ConnectionAsync()).Drain();
        var ping = await peer.ReadAsync(FrameType.Ping);
        await peer.SendAsync(
            RawFrame.Of(FrameType.Ping, RawFrame.Ack, 0, ping.Payload), RawFrame.Data(1, [], endStream: true));

        var sending = request.Stream.SendAsync(new byte[Length]);
        var received = 0;
        while (received < Length - Late)
        {
            received += (await peer.ReadAsync(FrameType.Data)).Payload.Length;
        }

        // The stream is over here while its last megabyte is on its way, for longer than a broken connection would wait.
        Assert.True(await sending);
        request.Stream.CompleteWrites();
        await Task.Delay(TimeSpan.FromMilliseconds(1_500), Token);
        await peer.SendAsync(RawFrame.Ping("unheard?")); // what a closed socket would answer with RST
        await Task.Delay(TimeSpan.FromMilliseconds(50), Token);
        while (await peer.ReadAsync(FrameType.Data) is var data && !data.Has(RawFrame.EndStream))
        {
            received += data.Payload.Length;
        }

        Assert.Equal(Length, received);
    }

    // What follows may repeat the GOAWAY but not raise its last stream; then comes the end.
    private static async Task ReadToEndAsync(RawPeer peer, int lastStreamId)
    {
        while (await peer.ReadAsync() is { } frame)
        {
            if (frame.Type == FrameType.GoAway)
            {
                Assert.Equal(RawFrame.GoAway(lastStreamId, Http2ErrorCode.NoError), frame.ToBytes());
            }
        }
    }
}
