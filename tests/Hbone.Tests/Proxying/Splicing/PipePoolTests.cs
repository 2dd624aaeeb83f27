using System.Diagnostics.CodeAnalysis;
using Hbone.Proxying.Splicing;
using Microsoft.Win32.SafeHandles;

namespace Hbone.Tests.Proxying.Splicing;

/// <summary>Pipes of a process: how many, which are used again, and what happens when there are none.</summary>
public sealed class PipePoolTests
{
    private const int TooManyOpenFiles = 24; // EMFILE

    private readonly List<string> _reasons = [];
    private readonly ManualTime _time = new();

    [Fact]
    public void Rent_BeyondTheLimit_GivesNone()
    {
        using var pool = new PipePool(2, _time, _reasons.Add);
        var first = pool.TryRent();
        var second = pool.TryRent();

        Assert.Null(pool.TryRent());

        pool.Return(first!, 0);
        Assert.Same(first, pool.TryRent());
        pool.Return(first!, 0);
        pool.Return(second!, 0);
        Assert.Empty(_reasons); // a limit of ours is no failure
    }

    [Fact]
    public void Return_KeepsSixteenIdle()
    {
        using var pool = new PipePool(100, _time, _reasons.Add);
        var pipes = Enumerable.Range(0, 40).Select(_ => pool.TryRent()!).ToList();
        Assert.Equal(40, pool.Count);

        pipes.ForEach(pipe => pool.Return(pipe, 10));

        Assert.Equal((16, 400L), (pool.Count, pool.Moved));
    }

    [Fact]
    public async Task Return_WithBytesInIt_ClosesThePipe()
    {
        using var pool = new PipePool(1, _time);
        using var pair = await SocketPair.ConnectAsync(TestContext.Current.CancellationToken);
        await pair.Application.SendAsync("stale"u8.ToArray(), TestContext.Current.CancellationToken);
        var pipe = pool.TryRent()!;
        await pair.Proxy.ReceiveAsync(Memory<byte>.Empty, TestContext.Current.CancellationToken);
        Assert.Equal(5, pipe.Fill(pair.Proxy, out _));

        pool.Return(pipe, 0);

        Assert.Equal(0, pool.Count);
        var next = pool.TryRent()!;
        Assert.NotSame(pipe, next);
        Assert.Equal(0, next.Pending);
        pool.Return(next, 0);
    }

    [Fact]
    public void Dispose_ClosesThoseThatComeBackLater()
    {
        var pool = new PipePool(4, _time);
        var pipe = pool.TryRent()!;
        pool.Return(pool.TryRent()!, 0);
        Assert.Equal(2, pool.Count);

        pool.Dispose();
        Assert.Equal(1, pool.Count);
        Assert.Null(pool.TryRent());
        pool.Return(pipe, 0);

        Assert.Equal(0, pool.Count);
    }

    [Fact]
    public async Task NoDescriptors_ConnectionsAreCopied_AndTriedAgainAfterARest()
    {
        var attempts = 0;
        var works = false;
        using var pool = new PipePool(4, _time, _reasons.Add, Create);
        using var run = await SocketCopyRun.StartAsync(pool);

        await SocketCopyRun.MoveAsync(run.Client, run.Server, SocketCopyRun.Bulk);
        await SocketCopyRun.MoveAsync(run.Server, run.Client, SocketCopyRun.Bulk);

        Assert.Equal((1, 0L, 0), (attempts, pool.Moved, pool.Count));
        Assert.Equal("cannot make a pipe: Too many open files (os error 24)", Assert.Single(_reasons));

        works = true;
        _time.Advance(TimeSpan.FromSeconds(10));
        await SocketCopyRun.MoveAsync(run.Client, run.Server, SocketCopyRun.Bulk);
        await Eventually.TrueAsync(() => pool.Moved > 0);
        Assert.Single(_reasons);

        bool Create(int capacity, [NotNullWhen(true)] out SplicePipe? pipe, out int error)
        {
            attempts++;
            if (works)
            {
                return SplicePipe.TryCreate(capacity, out pipe, out error);
            }

            (pipe, error) = (null, TooManyOpenFiles);
            return false;
        }
    }

    /// <summary>pipe(7), /proc/sys/fs/pipe-user-pages-soft: beyond it a new pipe has two pages, and may not grow.</summary>
    [Fact]
    public async Task PipesOfTwoPages_AreNotUsed()
    {
        using var pool = new PipePool(4, _time, _reasons.Add, Create);
        using var run = await SocketCopyRun.StartAsync(pool);

        await SocketCopyRun.MoveAsync(run.Client, run.Server, SocketCopyRun.Bulk);

        Assert.Equal((0L, 0), (pool.Moved, pool.Count));
        Assert.Equal(
            "pipes are limited to 8192 bytes (fs.pipe-max-size, fs.pipe-user-pages-soft)", Assert.Single(_reasons));

        static bool Create(int capacity, [NotNullWhen(true)] out SplicePipe? pipe, out int error) =>
            SplicePipe.TryCreate(8192, out pipe, out error);
    }

    [Fact]
    public async Task SpliceRefused_AllConnectionsAreCopiedFromThenOn()
    {
        var attempts = 0;
        using var pool = new PipePool(4, _time, _reasons.Add, Create);
        using var run = await SocketCopyRun.StartAsync(pool);

        await SocketCopyRun.MoveAsync(run.Client, run.Server, SocketCopyRun.Bulk);
        _time.Advance(TimeSpan.FromHours(1));
        await SocketCopyRun.MoveAsync(run.Server, run.Client, SocketCopyRun.Bulk);

        Assert.Equal((1, 0L, 0), (attempts, pool.Moved, pool.Count));
        Assert.Equal(
            "cannot splice out of a socket: Invalid argument (os error 22)", Assert.Single(_reasons));

        // Neither end of splice(2) is a pipe then, which is EINVAL.
        bool Create(int capacity, [NotNullWhen(true)] out SplicePipe? pipe, out int error)
        {
            attempts++;
            error = 0;
            pipe = new SplicePipe(Null(), Null(), capacity);
            return true;
        }

        static SafeFileHandle Null() => File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite);
    }

    [Fact]
    public void TryCreate_MakesAPipeOfTheSizeAskedFor()
    {
        Assert.True(SplicePipe.TryCreate(1024 * 1024, out var pipe, out var error));
        using var owned = pipe;

        Assert.Equal((1024 * 1024, 0), (pipe.Capacity, error));
    }
}
