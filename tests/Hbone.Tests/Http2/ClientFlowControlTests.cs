using Hbone.Http2;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2;

/// <summary>Windows in both directions at our client. RFC 9113 sections 5.2 and 6.9.</summary>
public sealed class ClientFlowControlTests : HboneClientFixture
{
    private const int StreamWindow = 4 * 1024 * 1024;
    private const int Frame = 1024 * 1024;
    private const int DefaultWindow = 65_535;

    [Fact]
    [Requirement("9113-6.9-1")]
    public async Task Section69_StreamWindowUsedUp_OtherFramesAreProcessed()
    {
        var stream = await OpenAsync();
        for (var sent = 0; sent < StreamWindow; sent += Frame)
        {
            await Server.SendAsync(RawFrame.Data(1, new byte[Frame]));
        }

        await Server.SendAsync(RawFrame.Ping("still on"), RawFrame.Data(1, [], endStream: true));

        Assert.Equal("still on"u8.ToArray(), (await Server.ReadAsync(FrameType.Ping)).Payload);
        Assert.Equal(StreamWindow, (await stream.ReadToEndAsync()).Length);
    }

    [Fact]
    [Requirement("9113-6.9-5")]
    public async Task Section691_DataBeyondTheStreamWindow_StreamErrorAndCountedForTheConnection()
    {
        await OpenAsync();
        for (var sent = 0; sent < StreamWindow; sent += Frame)
        {
            await Server.SendAsync(RawFrame.Data(1, new byte[Frame]));
        }

        // Half the connection's 16 MiB, with frames in error and frames of a stream that is over by then.
        await Server.SendAsync([.. Enumerable.Repeat(RawFrame.Of(FrameType.Data, RawFrame.Padded, 1, [255, .. new byte[Frame - 1]]), 4)]);

        Assert.Equal(RawFrame.Reset(1, Http2ErrorCode.FlowControlError), (await Server.ReadAsync(FrameType.RstStream)).ToBytes());
        Assert.Equal(RawFrame.WindowUpdate(0, 2 * StreamWindow), Assert.Single(await Server.ReadAllAsync()).ToBytes());
    }

    [Fact]
    [Requirement("9113-6.9-2")]
    public async Task Section69_WindowUpdateOfZeroOnStream_StreamError()
    {
        await OpenAsync();

        await Server.SendAsync(RawFrame.WindowUpdate(1, 0));

        Assert.Equal(RawFrame.Reset(1, Http2ErrorCode.ProtocolError), Assert.Single(await Server.ReadAllAsync()).ToBytes());
    }

    [Fact]
    [Requirement("9113-6.9.1-2")]
    public async Task Section691_StreamWindowBeyond31Bits_StreamError()
    {
        await OpenAsync();

        await Server.SendAsync(RawFrame.WindowUpdate(1, int.MaxValue));

        Assert.Equal(RawFrame.Reset(1, Http2ErrorCode.FlowControlError), Assert.Single(await Server.ReadAllAsync()).ToBytes());
    }

    [Fact]
    [Requirement("9113-6.9-4")]
    public async Task Section69_WindowUpdateAfterTheEnd_NoError()
    {
        var stream = await OpenAsync();

        await Server.SendAsync(RawFrame.Data(1, [], endStream: true), RawFrame.WindowUpdate(1, 1));
        await stream.ReadToEndAsync();
        Assert.Empty(await Server.ReadAllAsync());
        stream.CompleteWrites();
        await Server.ReadAsync(FrameType.Data);
        await Server.SendAsync(RawFrame.WindowUpdate(1, 1));

        Assert.Empty(await Server.ReadAllAsync());
        Assert.True(Client.IsOpen);
    }

    [Fact]
    [Requirement("9113-5.2.1-1", "9113-6.9.1-1", "9113-4.1-1")]
    public async Task Section691_WindowsAndFramesOfTheInitialSize_NotExceeded()
    {
        var stream = await OpenAsync();
        var sending = stream.SendAsync(new byte[DefaultWindow + 1]);

        Assert.Equal(
            [16_384, 16_384, 16_384, 16_383], (await Server.ReadAllAsync()).Select(f => f.Payload.Length));
        await Server.SendAsync(RawFrame.WindowUpdate(1, 1));
        Assert.Empty(await Server.ReadAllAsync()); // the connection's window is used up as well
        await Server.SendAsync(RawFrame.WindowUpdate(0, 1));

        Assert.Single((await Server.ReadAsync(FrameType.Data)).Payload);
        Assert.True(await sending);
    }

    [Fact]
    [Requirement("9113-6.9.2-1", "9113-6.9.2-2", "9113-6.5.3-1", "9113-6.5.3-2")]
    public async Task Section692_NegativeWindow_SendingWaitsUntilItIsPositive()
    {
        var stream = await OpenAsync((4, 10));
        var sending = stream.SendAsync("0123456789abcdef"u8.ToArray());
        Assert.Equal("0123456789"u8.ToArray(), (await Server.ReadAsync(FrameType.Data)).Payload);

        // In one frame the last value counts: 10 - 7 is -7 left, then 0, then 1.
        await Server.SendAsync(RawFrame.Settings((4, 1_000), (4, 3)), RawFrame.WindowUpdate(1, 7));
        Assert.Equal(RawFrame.SettingsAck(), Assert.Single(await Server.ReadAllAsync()).ToBytes());
        await Server.SendAsync(RawFrame.WindowUpdate(1, 1));
        Assert.Equal("a"u8.ToArray(), (await Server.ReadAsync(FrameType.Data)).Payload);

        await Server.SendAsync(RawFrame.Settings((4, 8)));
        Assert.Equal("bcdef"u8.ToArray(), (await Server.ReadAsync(FrameType.Data)).Payload);
        Assert.True(await sending);
    }

    [Fact]
    [Requirement("9113-6.5-2", "9113-6.5.3-1")]
    public async Task Section652_SettingsOfTheServer_AreKept()
    {
        var stream = await OpenAsync((1, 0), (3, 1), (4, 100_000), (5, 20_000), (6, 100));
        await Server.SendAsync(RawFrame.WindowUpdate(0, 100_000));
        Assert.Empty(await Server.ReadAllAsync());

        Assert.Null(Client.TryOpen(Request));
        Assert.True(await stream.SendAsync(new byte[90_000]));

        Assert.Equal(
            [20_000, 20_000, 20_000, 20_000, 10_000], (await Server.ReadAllAsync()).Select(f => f.Payload.Length));
    }
}
