using Hbone.Http2;

namespace Hbone.Tests.Http2;

/// <summary>Peers that keep us waiting, by a clock that the test turns: every wait has an end.</summary>
public sealed class TimeLimitTests : HboneServerFixture
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(10);

    private readonly ManualTime _time;

    public TimeLimitTests()
        : this(new ManualTime())
    {
    }

    private TimeLimitTests(ManualTime time)
        : base(options: null, time) => _time = time;

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(24)]
    public async Task Section34_PrefaceNotFinished_ConnectionEnds(int octets)
    {
        await using var peer = await DialSilentAsync();
        await peer.SendAsync(RawFrame.Preface[..octets]);
        var connection = await ConnectionAsync();

        _time.Advance(Tick - TimeSpan.FromSeconds(1));
        Assert.Null(connection.Failure);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(Http2ErrorCode.SettingsTimeout, await peer.ReadGoAwayAsync());
    }

    [Fact]
    public async Task Section34_SettingsInTime_ConnectionLives()
    {
        await using var peer = await DialAsync();
        var connection = await ConnectionAsync();

        _time.Advance(Tick);

        Assert.Null(connection.Failure);
        await OpenAsync(peer, 1);
    }

    [Fact]
    public async Task Section67_SilentPeer_IsPingedAndThenGivenUp()
    {
        await using var peer = await DialAsync();
        var connection = await ConnectionAsync();
        await OpenAsync(peer, 1);

        _time.Advance(Tick); // heard of it since the start
        _time.Advance(Tick);
        Assert.False((await peer.ReadAsync(FrameType.Ping)).Has(RawFrame.Ack));
        _time.Advance(2 * Tick);

        await Eventually.TrueAsync(() => connection.Failure is not null);
        Assert.Contains("ping timeout", connection.Failure!.Message, StringComparison.Ordinal);
        Assert.True(connection.Failure.IsPingTimeout);
    }

    [Fact]
    public async Task Section67_SilentPeerThatDoesNotRead_IsGivenUpThoughNoPingReachesIt()
    {
        await using var peer = await DialAsync(receiveBuffer: 4_096);
        await peer.SendAsync(RawFrame.Settings((4, int.MaxValue)), RawFrame.WindowUpdate(0, int.MaxValue - 65_535));
        var connection = await ConnectionAsync();
        var writing = new List<Task<bool>>();
        for (var id = 1; id < 201; id += 2)
        {
            await peer.SendAsync(RawFrame.Connect(id));
            var request = await NextRequestAsync();
            request.Accept();
            writing.Add(request.Stream.SendAsync(new byte[1024 * 1024]));
        }

        // Both socket buffers and our queue are full; the PING waits behind them.
        await Eventually.TrueAsync(() => !connection.CanQueueMore);
        _time.Advance(Tick);
        _time.Advance(3 * Tick);

        Assert.Contains(false, await Task.WhenAll(writing)); // some were done before the queues were full
        Assert.Contains("ping timeout", connection.Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Section67_PeerThatStillSends_IsAliveThoughItReadsNothing()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);
        var connection = await ConnectionAsync();

        for (var i = 0; i < 10; i++)
        {
            await peer.SendAsync(RawFrame.Data(1, [1]));
            var read = await request.Stream.ReadAsync();
            request.Stream.Return(read);
            _time.Advance(Tick);
        }

        Assert.Null(connection.Failure);
    }

    [Fact]
    public async Task Section610_HeaderBlockThatNeverEnds_EnhanceYourCalm()
    {
        await using var peer = await DialAsync();
        var connection = await ConnectionAsync();
        await peer.SendAsync(RawFrame.Of(FrameType.Headers, 0, 1, RawFrame.Block((":method", "CONNECT"))));

        // One octet at a time would keep the connection alive for ever.
        for (var i = 0; i < 4 && connection.Failure is null; i++)
        {
            await peer.SendAsync(RawFrame.Of(FrameType.Continuation, 0, 1, 0));
            await Eventually.TrueAsync(() => connection.IsInsideHeaderBlock);
            _time.Advance(Tick);
        }

        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, await peer.ReadGoAwayAsync());
    }

    [Fact]
    public async Task Section69_WindowsThatAreNeverOpened_EnhanceYourCalm()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(RawFrame.Settings((4, 0)));
        var connection = await ConnectionAsync();
        var writing = new List<Task<bool>>();
        for (var id = 1; id < 241; id += 2)
        {
            writing.Add((await OpenAsync(peer, id)).Stream.SendAsync(new byte[100_000]));
        }

        Assert.Equal(0, connection.MemoryUsed);
        for (var i = 0; i < 40 && connection.Failure is null; i++)
        {
            await peer.ReadAllAsync(); // answers, so that it is not the ping that ends it
            _time.Advance(Tick);
        }

        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, connection.Failure?.Code);
        Assert.All(await Task.WhenAll(writing), Assert.False);
    }

    [Fact]
    public async Task Section69_OneReaderThatPauses_LivesOn()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(RawFrame.Settings((4, 0)));
        var connection = await ConnectionAsync();
        var writing = (await OpenAsync(peer, 1)).Stream.SendAsync("hello"u8.ToArray());
        for (var i = 0; i < 60; i++)
        {
            await peer.ReadAllAsync();
            _time.Advance(Tick);
        }

        Assert.Null(connection.Failure);
        await peer.SendAsync(RawFrame.WindowUpdate(1, 5));
        Assert.True(await writing);
    }
}
