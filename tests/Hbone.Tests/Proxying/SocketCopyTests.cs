using System.Net.Sockets;
using System.Security.Cryptography;
using Hbone.Memory;
using Hbone.Proxying;
using Hbone.Proxying.Splicing;

namespace Hbone.Tests.Proxying;

/// <summary>What TCP promises, kept between two plain connections, whether payload is copied or spliced.</summary>
public sealed class SocketCopyTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly PipePool _pipes = new(64, TimeProvider.System);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _pipes.Dispose();

    [Theory]
    [InlineData(false, true)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(true, false)]
    public async Task HalfClose_OtherDirectionGoesOn(bool splices, bool clientFirst)
    {
        using var run = await StartAsync(splices);
        var (first, second) = clientFirst ? (run.Client, run.Server) : (run.Server, run.Client);

        await SocketCopyRun.MoveAsync(first, second, SocketCopyRun.Bulk);
        first.Shutdown(SocketShutdown.Send);
        await SocketCopyRun.AssertEndAsync(second);
        await SocketCopyRun.MoveAsync(second, first, SocketCopyRun.Bulk + 1);
        second.Shutdown(SocketShutdown.Send);
        await SocketCopyRun.AssertEndAsync(first);

        Assert.Equal(new CopyResult(null, null), await ResultOf(run));
        var (received, sent) = clientFirst ? (0, 1) : (1, 0);
        Assert.Equal(
            (SocketCopyRun.Bulk + received, SocketCopyRun.Bulk + sent), (run.Counters.Received, run.Counters.Sent));
        AssertSpliced(splices);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(true, false)]
    public async Task Reset_AfterMuchWasSent_ReachesTheOtherEndAfterTheLastByte(bool splices, bool byClient)
    {
        using var run = await StartAsync(splices);
        var (from, to) = byClient ? (run.Client, run.Server) : (run.Server, run.Client);
        await SocketCopyRun.MoveAsync(from, to, SocketCopyRun.Bulk);

        Reset(run, byClient);
        await SocketCopyRun.AssertResetAsync(to);

        var result = await ResultOf(run);
        Assert.Equal(SocketError.ConnectionReset, ErrorOf(byClient ? result.Up : result.Down));
        Assert.Equal(!byClient, result.DownFirst);
        Assert.Equal(SocketCopyRun.Bulk, run.Counters.Received + run.Counters.Sent);
        AssertSpliced(splices);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(true, false)]
    public async Task Reset_ByAPeerThatDidNotRead_ReachesTheSender(bool splices, bool byClient)
    {
        using var run = await StartAsync(splices);
        var sender = byClient ? run.Server : run.Client;
        await SocketCopyRun.FillAsync(sender);

        Reset(run, byClient);
        await SocketCopyRun.AssertResetAsync(sender);

        var result = await ResultOf(run);
        Assert.NotNull(byClient ? result.Down : result.Up);
        await Eventually.TrueAsync(() => run.Memory.Used == 0);
        var next = _pipes.TryRent()!;
        Assert.Equal(0, next.Pending); // what went nowhere is nobody else's
        _pipes.Return(next, 0);
    }

    [Fact]
    public async Task SocketThatWasClosedBefore_ResetsTheOther()
    {
        using var client = await SocketPair.ConnectAsync(Token);
        using var server = await SocketPair.ConnectAsync(Token);
        client.Proxy.Dispose();

        var result = await SocketCopy.RunAsync(
            client.Proxy, server.Proxy, new Counters(), new MemoryBudget(1 << 20), pipes: null);

        Assert.IsType<ObjectDisposedException>(result.Up);
        await SocketCopyRun.AssertResetAsync(server.Application);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task BothDirectionsAtOnce_SmallBuffersAndSlowReaders_ArriveWhole(bool splices)
    {
        const int Length = 12_000_000;
        using var run = await StartAsync(splices, bufferBytes: 32 * 1024);
        var up = RandomNumberGenerator.GetBytes(Length);
        var down = RandomNumberGenerator.GetBytes(Length + 1);

        var sending = Task.WhenAll(SocketCopyRun.SendAsync(run.Client, up), SocketCopyRun.SendAsync(run.Server, down));
        var receiving = SocketCopyRun.ReceiveAsync(run.Server, up.Length, mostAtOnce: 9_000);
        var receivedDown = await SocketCopyRun.ReceiveAsync(run.Client, down.Length, mostAtOnce: 5_000);
        var receivedUp = await receiving;
        await sending;
        run.Client.Shutdown(SocketShutdown.Send);
        run.Server.Shutdown(SocketShutdown.Send);

        Assert.Equal(new CopyResult(null, null), await ResultOf(run));
        Assert.Equal(SHA256.HashData(up), SHA256.HashData(receivedUp));
        Assert.Equal(SHA256.HashData(down), SHA256.HashData(receivedDown));
        Assert.Equal((up.Length, down.Length), (run.Counters.Received, run.Counters.Sent));
        AssertSpliced(splices);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task HundredMillionBytes_ArriveWhole(bool splices)
    {
        using var run = await StartAsync(splices);

        await SocketCopyRun.MoveAsync(run.Server, run.Client, 100_000_000);
        run.Server.Shutdown(SocketShutdown.Send);
        await SocketCopyRun.AssertEndAsync(run.Client);
        run.Client.Shutdown(SocketShutdown.Send);

        Assert.Equal(new CopyResult(null, null), await ResultOf(run));
        Assert.Equal((0, 100_000_000), (run.Counters.Received, run.Counters.Sent));
        AssertSpliced(splices);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PeerThatNeverReads_HoldsABoundedPart(bool splices)
    {
        using var run = await StartAsync(splices, bufferBytes: 32 * 1024);
        await SocketCopyRun.MoveAsync(run.Client, run.Server, SocketCopyRun.Bulk);

        var sent = await SocketCopyRun.FillAsync(run.Client);

        Assert.InRange(run.Memory.Used, 1, 1024 * 1024); // the pipe
        Assert.InRange(sent, 1, 4 * 1024 * 1024); // and the buffers of the sockets
        Assert.False(run.Result.IsCompleted);
        Assert.Equal(splices ? 1 : 0, _pipes.Count);

        // What was held is not lost.
        await SocketCopyRun.ReceiveAsync(run.Server, (int)sent);
        await Eventually.TrueAsync(() => run.Memory.Used == 0);
        await Eventually.TrueAsync(() => run.Counters.Received == SocketCopyRun.Bulk + sent);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ClosedFromOutside_WhileMoving_EndsBothSidesWithReset(bool splices)
    {
        using var run = await StartAsync(splices);
        await SocketCopyRun.MoveAsync(run.Client, run.Server, SocketCopyRun.Bulk);
        await SocketCopyRun.FillAsync(run.Client);

        run.CloseProxySockets();

        await SocketCopyRun.AssertResetAsync(run.Client);
        Assert.NotNull((await ResultOf(run)).Up);
        await Eventually.TrueAsync(() => run.Memory.Used == 0);
        AssertSpliced(splices);
    }

    [Fact]
    public async Task IdleConnection_HoldsNoPipe()
    {
        using var pipes = new PipePool(1, TimeProvider.System);
        using var first = await SocketCopyRun.StartAsync(pipes);
        using var second = await SocketCopyRun.StartAsync(pipes);
        await SocketCopyRun.MoveAsync(first.Client, first.Server, SocketCopyRun.Bulk);
        await Eventually.TrueAsync(() => pipes.Moved > 0);
        var before = pipes.Moved;

        await SocketCopyRun.MoveAsync(second.Client, second.Server, SocketCopyRun.Bulk);

        await Eventually.TrueAsync(() => pipes.Moved > before); // the only one went on to the other connection
        Assert.Equal(1, pipes.Count);
    }

    [Fact]
    public async Task SmallMessages_AreCopiedHoweverMany()
    {
        using var run = await StartAsync(splices: true);

        for (var i = 0; i < 3_000; i++)
        {
            await SocketCopyRun.MoveAsync(run.Client, run.Server, 1_000);
        }

        Assert.Equal((0, 0L), (_pipes.Count, _pipes.Moved));
    }

    [Fact]
    public async Task TightMemory_NoPipeIsFilled()
    {
        using var run = await StartAsync(splices: true);
        run.Memory.Charge(run.Memory.Limit - 1);

        await SocketCopyRun.MoveAsync(run.Client, run.Server, SocketCopyRun.Bulk);

        Assert.Equal((0, 0L), (_pipes.Count, _pipes.Moved));
        await Eventually.TrueAsync(() => run.Counters.Received == SocketCopyRun.Bulk);
    }

    private static async Task<CopyResult> ResultOf(SocketCopyRun run) => await run.Result.WaitAsync(Limit, Token);

    private static SocketError? ErrorOf(Exception? e) => (e as SocketException)?.SocketErrorCode;

    private static void Reset(SocketCopyRun run, bool byClient)
    {
        if (byClient)
        {
            run.ResetClient();
        }
        else
        {
            run.ResetServer();
        }
    }

    private Task<SocketCopyRun> StartAsync(bool splices, int bufferBytes = 0) =>
        SocketCopyRun.StartAsync(splices ? _pipes : null, bufferBytes);

    private void AssertSpliced(bool splices) => Assert.Equal(splices, _pipes.Moved > 0);
}
