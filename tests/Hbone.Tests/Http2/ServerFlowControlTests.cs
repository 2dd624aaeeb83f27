using Hbone.Http2;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2;

/// <summary>Windows in both directions at our server. RFC 9113 sections 5.2 and 6.9.</summary>
public sealed class ServerFlowControlTests() : HboneServerFixture(Roomy)
{
    private const int StreamWindow = 4 * 1024 * 1024;
    private const int DefaultWindow = 65_535;
    private const int Frame = 1024 * 1024;

    // So much that nothing here makes memory tight: what happens then has tests of its own.
    private static readonly HboneEndpointOptions Roomy = new() { Http2 = new() { ConnectionMemory = 256 * 1024 * 1024 } };

    [Fact]
    public async Task Section691_DataBeyondTheStreamWindow_FlowControlErrorOfTheStream()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);

        for (var sent = 0; sent < StreamWindow; sent += Frame)
        {
            await peer.SendAsync(RawFrame.Data(1, new byte[Frame]));
        }

        await peer.SendAsync(RawFrame.Data(1, [1]));

        var reset = await peer.ReadAsync(FrameType.RstStream);
        Assert.Equal(RawFrame.Reset(1, Http2ErrorCode.FlowControlError), reset.ToBytes());
        Assert.Equal(StreamReadKind.Reset, (await request.Stream.ReadAsync()).Kind);
        await OpenAsync(peer, 3);
    }

    [Fact]
    [Requirement("9113-5.2.2-1", "9113-6.9-1")]
    public async Task Section691_StalledStream_ItsCreditStaysAndTheConnectionsReturns()
    {
        await using var peer = await DialAsync();
        await OpenAsync(peer, 1);
        await OpenAsync(peer, 3);
        await OpenAsync(peer, 5);

        for (var sent = 0; sent < StreamWindow; sent += Frame)
        {
            await peer.SendAsync(RawFrame.Data(1, new byte[Frame]), RawFrame.Data(3, new byte[Frame]));
        }

        var credits = await peer.ReadAllAsync();
        Assert.Equal(RawFrame.WindowUpdate(0, 2 * StreamWindow), Assert.Single(credits).ToBytes());
    }

    [Fact]
    public async Task Section691_DataTakenByTheApplication_CreditReturnsInHalves()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);
        await peer.SendAsync(RawFrame.Data(1, new byte[Frame]), RawFrame.Data(1, new byte[Frame]));

        var taken = 0;
        while (taken < 2 * Frame)
        {
            var read = await request.Stream.ReadAsync();
            taken += read.Data.Length;
            request.Stream.Return(read);
        }

        Assert.Equal(
            RawFrame.WindowUpdate(1, StreamWindow / 2), Assert.Single(await peer.ReadAllAsync()).ToBytes());
    }

    [Fact]
    [Requirement("9113-6.9-5")]
    public async Task Section691_Padding_CountsAndReturns()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);
        byte[] padded = [255, (byte)'x', .. new byte[255]];
        var frames = Enumerable.Repeat(RawFrame.Of(FrameType.Data, RawFrame.Padded, 1, padded), 9_000).SelectMany(f => f);

        await peer.SendAsync([.. frames]);

        // 9,000 frames cost 2.3 MB of the window, of which the application can only take 9 KB.
        var credit = await peer.ReadAsync(f => f.Type == FrameType.WindowUpdate && f.StreamId == 1);
        Assert.True(credit.Code >= StreamWindow / 2);
        await peer.SendAsync(RawFrame.Data(1, [], endStream: true));
        Assert.Equal(new string('x', 9_000), System.Text.Encoding.ASCII.GetString(await request.Stream.ReadToEndAsync()));
    }

    [Fact]
    [Requirement("9113-6.9-2")]
    public async Task Section69_WindowUpdateOfZeroOnStream_ProtocolErrorOfTheStream()
    {
        await using var peer = await DialAsync();
        await OpenAsync(peer, 1);

        await peer.SendAsync(RawFrame.WindowUpdate(1, 0));

        Assert.Equal(
            RawFrame.Reset(1, Http2ErrorCode.ProtocolError), Assert.Single(await peer.ReadAllAsync()).ToBytes());
    }

    [Fact]
    [Requirement("9113-6.9.1-2")]
    public async Task Section691_StreamWindowBeyond31Bits_FlowControlErrorOfTheStream()
    {
        await using var peer = await DialAsync();
        await OpenAsync(peer, 1);

        await peer.SendAsync(RawFrame.WindowUpdate(1, int.MaxValue));

        Assert.Equal(
            RawFrame.Reset(1, Http2ErrorCode.FlowControlError), Assert.Single(await peer.ReadAllAsync()).ToBytes());
    }

    [Fact]
    [Requirement("9113-6.9.2-2", "9113-6.9.1-1", "9113-5.2.1-1")]
    public async Task Section692_SmallAndNegativeWindows_SendingWaitsForCredit()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(RawFrame.Settings((4, 10)));
        var request = await OpenAsync(peer, 1);

        var sending = request.Stream.SendAsync("0123456789abcdef"u8.ToArray());
        Assert.Equal("0123456789"u8.ToArray(), (await peer.ReadAsync(FrameType.Data)).Payload);

        // The window is now -7: three more octets of credit bring it to -4, ten more to 6.
        await peer.SendAsync(RawFrame.Settings((4, 3)), RawFrame.WindowUpdate(1, 3));
        Assert.DoesNotContain(await peer.ReadAllAsync(), f => f.Type == FrameType.Data);
        await peer.SendAsync(RawFrame.WindowUpdate(1, 10));

        Assert.Equal("abcdef"u8.ToArray(), (await peer.ReadAsync(FrameType.Data)).Payload);
        Assert.True(await sending);
    }

    [Fact]
    [Requirement("9113-6.9.2-1", "9113-6.5.3-1")]
    public async Task Section692_SettingsWidenOpenStreams()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(RawFrame.Settings((4, 0)));
        var request = await OpenAsync(peer, 1);
        var sending = request.Stream.SendAsync("hello"u8.ToArray());
        Assert.Empty(await peer.ReadAllAsync());

        await peer.SendAsync(RawFrame.Settings((4, 5)));

        Assert.Equal("hello"u8.ToArray(), (await peer.ReadAsync(FrameType.Data)).Payload);
        Assert.True(await sending);
    }

    [Fact]
    [Requirement("9113-4.1-1")]
    public async Task Section42_PeerOfSmallestFrames_DataIsSplitToIt()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);
        var payload = new byte[DefaultWindow];
        Random.Shared.NextBytes(payload);

        Assert.True(await request.Stream.SendAsync(payload));

        var frames = (await peer.ReadAllAsync()).Where(f => f.Type == FrameType.Data).ToList();
        Assert.Equal([16_384, 16_384, 16_384, 16_383], frames.Select(f => f.Payload.Length));
        Assert.Equal(payload, frames.SelectMany(f => f.Payload));
    }

    [Fact]
    [Requirement("9113-4.1-1", "9113-4.3-1", "9113-6.2-2", "9113-6.10-1", "9113-8.1-1")]
    public async Task Section42_PeerOfSmallestFrames_HeadersAreSplitToIt()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(RawFrame.Connect(1));

        (await NextRequestAsync()).Accept(new Hbone.Http2.Hpack.HeaderField("baggage", new string('\u00fe', 20_000)));

        var frames = await peer.ReadAllAsync();
        Assert.Equal(
            [(FrameType.Headers, 0), (FrameType.Continuation, (int)RawFrame.EndHeaders)],
            frames.Select(f => (f.Type, (int)f.Flags)));
        Assert.Equal(16_384, frames[0].Payload.Length);
    }

    [Fact]
    public async Task Section52_ResetStreamsWithQueuedData_CostTheConnectionNoCredit()
    {
        await using var peer = await DialAsync();

        // The connection's window is never widened here: what reset streams took of it has to come back.
        for (var id = 1; id < 41; id += 2)
        {
            var request = await OpenAsync(peer, id);
            var credit = request.Stream.TakeCredit(20_000);
            Assert.Equal(20_000, credit);
            request.Stream.Reset(Http2ErrorCode.Cancel);
            await request.Stream.WriteAsync(new byte[9 + credit], 9, credit);
        }

        var last = await OpenAsync(peer, 41);
        Assert.True(await last.Stream.SendAsync("still here"u8.ToArray()));
        Assert.Equal("still here"u8.ToArray(), (await peer.ReadAsync(FrameType.Data)).Payload);
    }

    [Fact]
    [Requirement("9113-6.9.1-1")]
    public async Task Section52_ConnectionWindowUsedUp_StreamsWaitAndAllGoOn()
    {
        await using var peer = await DialAsync();
        var first = await OpenAsync(peer, 1);
        Assert.True(await first.Stream.SendAsync(new byte[DefaultWindow]));
        await peer.ReadAllAsync();
        var waiting = new List<Task<bool>>();
        for (var id = 3; id < 23; id += 2)
        {
            waiting.Add((await OpenAsync(peer, id)).Stream.SendAsync("hello"u8.ToArray()));
        }

        Assert.Empty(await peer.ReadAllAsync());
        await peer.SendAsync(RawFrame.WindowUpdate(3, 1), RawFrame.WindowUpdate(0, 50));

        Assert.All(await Task.WhenAll(waiting), Assert.True);
        Assert.Equal(50, (await peer.ReadAllAsync()).Sum(f => f.Payload.Length));
    }

    [Fact]
    public async Task Section52_BlockedStreamsThatWereReset_AreForgotten()
    {
        await using var peer = await DialAsync();
        var first = await OpenAsync(peer, 1);
        Assert.True(await first.Stream.SendAsync(new byte[DefaultWindow]));
        await peer.ReadAllAsync();

        var blocked = await OpenAsync(peer, 3);
        var sending = blocked.Stream.SendAsync("never"u8.ToArray());
        await peer.SendAsync(RawFrame.Reset(3, Http2ErrorCode.Cancel), RawFrame.WindowUpdate(0, 100));

        Assert.False(await sending);
        Assert.DoesNotContain(await peer.ReadAllAsync(), f => f.Type == FrameType.Data);
    }
}
