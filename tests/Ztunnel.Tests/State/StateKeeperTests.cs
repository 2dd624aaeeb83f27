using Microsoft.Extensions.Logging;
using Ztunnel.Mesh;
using Ztunnel.State;
using Ztunnel.Tests.Mesh;
using Ztunnel.Tests.Proxy;

namespace Ztunnel.Tests.State;

/// <summary>When the snapshot is written, and what happens when it cannot be.</summary>
public sealed class StateKeeperTests : IDisposable
{
    private readonly StateFolder _folder = new();
    private readonly MeshState _mesh;

    public StateKeeperTests() => _mesh = new MeshState(TestMesh.Empty, _folder.Time);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    /// <summary>Section 2.9: addresses without the policies that belong to them would allow too much.</summary>
    [Fact]
    public async Task BeforeTheFirstSync_NothingIsWritten()
    {
        var keeper = _folder.NewKeeper(_mesh);
        keeper.Start(new TaskCompletionSource().Task);
        Add("a");
        _folder.Time.Advance(TimeSpan.FromHours(1));

        await keeper.DisposeAsync();

        Assert.False(File.Exists(_folder.File));
    }

    [Fact]
    public async Task Changes_AreWrittenAtMostOncePerIntervalAndTheLastOneIs()
    {
        await using var keeper = _folder.NewKeeper(_mesh);
        keeper.Start(Task.CompletedTask);
        var start = _folder.Now;
        for (var i = 0; i < 100; i++)
        {
            Add($"pod{i}");
            await TickAsync(TimeSpan.FromSeconds(1));
        }

        while (_folder.Load()?.Addresses.Count != 100)
        {
            await TickAsync(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(keeper.Written, 2, (long)((_folder.Now - start) / StateKeeper.Interval) + 1);
        Assert.Equal(0, keeper.Failed);
    }

    [Fact]
    public async Task WithoutChanges_AgeIsRefreshedOnlyWhileTheControlPlaneIsThere()
    {
        DateTimeOffset? gone = null;
        await using var keeper = _folder.NewKeeper(_mesh, () => gone ?? _folder.Now);
        keeper.Start(Task.CompletedTask);
        for (var hours = 0; hours < 48 * 6; hours++)
        {
            await TickAsync(TimeSpan.FromMinutes(10));
        }

        Assert.InRange(_folder.Load()!.Age, TimeSpan.Zero, TimeSpan.FromHours(1));
        gone = _folder.Now;
        for (var hours = 0; hours < 48 * 6; hours++)
        {
            await TickAsync(TimeSpan.FromMinutes(10));
        }

        Assert.Throws<SnapshotException>(_folder.Load);
        Assert.InRange(keeper.StoredAt!.Value, gone.Value - TimeSpan.FromHours(1), gone.Value);
    }

    [Fact]
    public async Task Stop_WritesWhatWasNotWritten()
    {
        var keeper = _folder.NewKeeper(_mesh);
        keeper.Start(Task.CompletedTask);
        Add("last");

        await keeper.DisposeAsync();

        Assert.Equal(["cluster1//Pod/ns1/last"], _folder.Load()!.Addresses);
    }

    [Fact]
    public async Task WriteThatFails_IsLoggedOncePerReasonAndTriedAgain()
    {
        using var loggers = new CategoryLoggers();
        await using var keeper = new StateKeeper(
            _folder.Store, null, _mesh, () => _folder.Now, TimeSpan.FromHours(24), _folder.Time, loggers.CreateLogger<StateKeeper>());
        var obstacle = Directory.CreateDirectory(_folder.File + ".new");
        keeper.Start(Task.CompletedTask);

        await TickUntilAsync(() => keeper.Failed >= 3);
        Assert.Single(loggers.LinesOf<StateKeeper>(LogLevel.Warning), line => line.Contains(obstacle.FullName));
        obstacle.Delete();
        await TickUntilAsync(() => keeper.Written >= 1);

        Assert.Single(loggers.LinesOf<StateKeeper>(LogLevel.Warning));
        await Waiting.UntilAsync(() => loggers.LinesOf<StateKeeper>(LogLevel.Information).Length == 1, Token);
        Assert.NotNull(_folder.Load());
    }

    /// <summary>Another proxy on this node knows better.</summary>
    [Fact]
    public async Task SnapshotThatWasConfirmedLater_StaysAndIsNoFailure()
    {
        _folder.Store.Save(TestMesh.Empty, _folder.Now);
        var keeper = _folder.NewKeeper(_mesh, () => DateTimeOffset.UnixEpoch);
        keeper.Start(Task.CompletedTask);
        Add("stale");

        await keeper.DisposeAsync();

        Assert.Empty(_folder.Load()!.Addresses);
        Assert.Equal((0, 0), (keeper.Written, keeper.Failed));
    }

    private void Add(string name) => _mesh.Update(snapshot =>
    {
        var builder = snapshot.ToBuilder();
        builder.SetWorkload(TestMesh.Pod(name, "10.0.0.1"));
        return builder.ToSnapshot();
    });

    // The loop waits for one timer at a time; between two of them it works, on other threads.
    private async Task TickAsync(TimeSpan by)
    {
        await Waiting.UntilAsync(() => _folder.Time.NextDue is not null, Token);
        _folder.Time.Advance(by);
    }

    private async Task TickUntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await TickAsync(TimeSpan.FromSeconds(1));
        }
    }
}
