using Ztunnel.Mesh;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh;

/// <summary>Waiting for the local workload: O24 of data-path 13, S2 of control-plane 9.3.</summary>
public sealed class MeshStateTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly ManualTime _time = new();
    private readonly Workload _pod = Pod("a", "10.0.0.1");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task O24_S2_Wait_WorkloadPresent_ReturnsAtOnce()
    {
        var state = new MeshState(Empty.With(_pod), _time);

        var wait = state.WaitForLocalWorkloadAsync(_pod.Info, Timeout, Token);

        Assert.True(wait.IsCompletedSuccessfully);
        Assert.Same(_pod, await wait);
    }

    [Fact]
    public async Task O24_S2_Wait_WorkloadComesLate_Wakes()
    {
        var state = new MeshState(Empty, _time);
        var wait = state.WaitForLocalWorkloadAsync(_pod.Info, Timeout, Token).AsTask();

        state.Update(snapshot => snapshot.With(Pod("other", "10.0.0.2")));
        _time.Advance(Timeout - TimeSpan.FromMilliseconds(1));
        Assert.False(wait.IsCompleted);

        state.Update(snapshot => snapshot.With(_pod));
        Assert.Same(_pod, await wait);
    }

    [Fact]
    public async Task O24_S2_Wait_OnlyOthersCome_NullAtTheDeadline()
    {
        var state = new MeshState(Empty, _time);
        var wait = state.WaitForLocalWorkloadAsync(_pod.Info, Timeout, Token).AsTask();

        state.Update(snapshot => snapshot.With(_pod with { ServiceAccount = "other" }));
        _time.Advance(Timeout);

        Assert.Null(await wait);
    }

    [Fact]
    public async Task Wait_Cancelled_Throws()
    {
        var state = new MeshState(Empty, _time);
        using var cancelled = new CancellationTokenSource();
        var wait = state.WaitForLocalWorkloadAsync(_pod.Info, Timeout, cancelled.Token).AsTask();

        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
    }

    [Fact]
    public void Update_ChangeThrows_StateStaysAndAcceptsTheNext()
    {
        var state = new MeshState(Empty.With(_pod), _time);

        Assert.Throws<InvalidOperationException>(() => state.Update(_ => throw new InvalidOperationException()));
        Assert.Same(_pod, Assert.Single(state.Current.Workloads));

        state.Update(snapshot => snapshot.Without(_pod));
        Assert.Empty(state.Current.Workloads);
    }

    [Fact]
    public async Task Observe_DuringUpdates_ShowsEachSnapshotOnceAndInOrder()
    {
        var state = new MeshState(Empty, _time);
        List<int>[] seen = [.. Enumerable.Range(0, 8).Select(_ => new List<int>())];

        var writing = Task.Run(
            () =>
            {
                for (var i = 0; i < 500; i++)
                {
                    state.Update(snapshot => snapshot.With(Pod($"p{i}", "10.0.0.1")));
                }
            },
            Token);
        await Parallel.ForEachAsync(seen, Token, (counts, _) =>
        {
            state.Observe(snapshot => counts.Add(snapshot.Workloads.Count()));
            return ValueTask.CompletedTask;
        });
        await writing;

        Assert.All(seen, counts => Assert.Equal(Enumerable.Range(counts[0], 501 - counts[0]), counts));
    }

    [Fact]
    public void Observe_ByAnObserver_ShowsTheSnapshotOnce()
    {
        var state = new MeshState(Empty, _time);
        List<int> seen = [];
        state.Observe(snapshot =>
        {
            if (snapshot.Workloads.Count() == 1)
            {
                state.Observe(next => seen.Add(next.Workloads.Count()));
            }
        });

        state.Update(snapshot => snapshot.With(_pod));
        state.Update(snapshot => snapshot.With(Pod("other", "10.0.0.2")));

        Assert.Equal([1, 2], seen);
    }

    [Fact]
    public async Task Update_FromManyThreads_LosesNone()
    {
        var state = new MeshState(Empty, _time);

        await Parallel.ForAsync(0, 200, Token, (i, _) =>
        {
            state.Update(snapshot => snapshot.With(Pod($"p{i}", $"10.0.0.{i}")));
            return ValueTask.CompletedTask;
        });

        Assert.Equal(200, state.Current.Workloads.Count());
    }
}
