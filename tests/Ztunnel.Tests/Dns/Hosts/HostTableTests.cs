using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Dns.Hosts;
using Ztunnel.Tests.Identity;
using Ztunnel.Tests.Proxy;

namespace Ztunnel.Tests.Dns.Hosts;

/// <summary>What is kept of look-ups, who shares them, and what they may cost.</summary>
public sealed class HostTableTests : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly HostLimits Limits = new() { Kept = 3, Lookups = 2 };

    private readonly ManualTime _time = new();
    private readonly CategoryLoggers _loggers = new();
    private readonly ConcurrentQueue<string> _asked = [];
    private readonly ConcurrentDictionary<string, HostAnswer> _answers = [];
    private readonly HostTable _table;
    private TaskCompletionSource? _hold;

    public HostTableTests() => _table = new HostTable(AskAsync, Limits, _time, _loggers.CreateLogger<HostTable>());

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _table.DisposeAsync();
        _loggers.Dispose();
    }

    [Fact]
    public async Task Answer_IsKeptAsLongAsItSays()
    {
        _answers["a"] = Of("192.0.2.1", seconds: 60);
        Assert.Equal(_answers["a"], await FindAsync("a"));
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(_answers["a"], await FindAsync("a"));
        Assert.Single(_asked);

        _answers["a"] = Of("192.0.2.2", seconds: 60);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(_answers["a"], await FindAsync("a"));
        Assert.Equal(2, _asked.Count);
    }

    [Fact]
    public async Task AnswerForNoTime_IsNotKept()
    {
        _answers["a"] = Of("192.0.2.1", seconds: 0);

        _ = await FindAsync("a");
        _ = await FindAsync("a");

        Assert.Equal(2, _asked.Count);
    }

    [Fact]
    public async Task Failure_IsKeptToo_AndSaidOnce()
    {
        _answers["a"] = new([], "the name does not exist", TimeSpan.FromSeconds(5));

        Assert.Equal("the name does not exist", (await FindAsync("a")).Failure);
        Assert.Equal("the name does not exist", (await FindAsync("a")).Failure);

        Assert.Single(_asked);
        Assert.Equal(
            ["no address for the hostname a of a workload: the name does not exist"],
            _loggers.LinesOf<HostTable>(LogLevel.Warning));
    }

    [Fact]
    public async Task WhoAsksMeanwhile_WaitsForTheSameLookUp()
    {
        Hold();
        _answers["a"] = Of("192.0.2.1", seconds: 0);
        var all = Enumerable.Range(0, 100).Select(_ => _table.FindAsync("a", Token).AsTask()).ToArray();
        Assert.All(all, one => Assert.False(one.IsCompleted));

        _hold!.SetResult();

        Assert.All(await Task.WhenAll(all).WaitAsync(Limit, Token), one => Assert.Same(_answers["a"], one));
        Assert.Single(_asked);
    }

    /// <summary>Another caller waits for it, and its answer is of use to the next one.</summary>
    [Fact]
    public async Task WhoGivesUp_EndsNobodyElsesLookUp()
    {
        Hold();
        _answers["a"] = Of("192.0.2.1", seconds: 60);
        using var impatient = new CancellationTokenSource();
        var first = _table.FindAsync("a", impatient.Token).AsTask();
        var second = _table.FindAsync("a", Token).AsTask();

        await impatient.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        _hold!.SetResult();
        Assert.Same(_answers["a"], await second.WaitAsync(Limit, Token));
    }

    [Fact]
    public async Task SoManyLookUpsAtOnce_AndNoMore()
    {
        Hold();
        var (first, second) = (_table.FindAsync("a", Token).AsTask(), _table.FindAsync("b", Token).AsTask());

        Assert.Equal("too many names are being looked up", (await FindAsync("c")).Failure);
        _hold!.SetResult();
        await Task.WhenAll(first, second).WaitAsync(Limit, Token);

        _answers["c"] = Of("192.0.2.1", seconds: 60);
        Assert.Same(_answers["c"], await FindAsync("c"));
    }

    [Fact]
    public async Task Full_WhoEndsFirstMakesRoom()
    {
        foreach (var (name, seconds) in new[] { ("a", 60), ("b", 30), ("c", 90), ("d", 45) })
        {
            _answers[name] = Of("192.0.2.1", seconds);
            _ = await FindAsync(name);
        }

        foreach (var name in new[] { "a", "c", "d" })
        {
            _ = await FindAsync(name);
        }

        Assert.Equal(["a", "b", "c", "d"], _asked);
        _ = await FindAsync("b");
        Assert.Equal(5, _asked.Count);
    }

    [Theory]
    [InlineData("VM.Example.COM.", "vm.example.com")]
    [InlineData("*.example.com", "*.example.com")]
    public async Task Spelling_OfAHostnameDoesNotMatter(string hostname, string asked)
    {
        _ = await FindAsync(hostname);

        Assert.Equal(asked, Assert.Single(_asked));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("a b")]
    [InlineData("bücher.example")]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task WhatIsNoHostname_IsNotAsked(string hostname)
    {
        Assert.Equal("it is no hostname", (await FindAsync(hostname)).Failure);
        Assert.Equal("it is no hostname", (await FindAsync(new string('a', 64) + ".b")).Failure);
        Assert.Equal(
            "it is no hostname", (await FindAsync(string.Join('.', Enumerable.Repeat(new string('a', 63), 4)))).Failure);
        Assert.Empty(_asked);
    }

    [Fact]
    public async Task Disposed_EndsWhatIsBeingLookedUp()
    {
        var ended = false;
        var table = new HostTable(
            async (_, stop) =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, stop).ContinueWith(
                    _ => ended = true, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                return HostAnswer.Failed("stopped");
            },
            Limits,
            _time,
            NullLogger<HostTable>.Instance);
        var waiting = table.FindAsync("a", Token).AsTask();

        await table.DisposeAsync().AsTask().WaitAsync(Limit, Token);

        Assert.True(ended);
        Assert.Equal("stopped", (await waiting).Failure);
    }

    private static HostAnswer Of(string address, int seconds) =>
        new([IPAddress.Parse(address)], null, TimeSpan.FromSeconds(seconds));

    private void Hold() => _hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    private Task<HostAnswer> FindAsync(string hostname) =>
        _table.FindAsync(hostname, Token).AsTask().WaitAsync(Limit, Token);

    private async Task<HostAnswer> AskAsync(string hostname, CancellationToken cancellationToken)
    {
        _asked.Enqueue(hostname);
        if (_hold is { } hold)
        {
            await hold.Task.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return _answers.GetValueOrDefault(hostname) ?? HostAnswer.Failed("nobody");
    }
}
