using System.Text.Json.Nodes;
using Ztunnel.Config;
using Ztunnel.InPod;

namespace Ztunnel.Tests.InPod;

/// <summary>Which pods are served after adds, keeps, dels and snapshots, and when the node is ready.</summary>
[Collection(nameof(UnsharedPorts))]
public sealed class PodLifecycleTests : IAsyncDisposable
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);
    private static readonly int[] Ports = [15001, 15006, 15008];

    private readonly ScriptedAgent _agent = new();
    private readonly NodeFixture _node;

    public PodLifecycleTests() => _node = new NodeFixture(_agent, new ProxyOptions { InPodPortReuse = false });

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        _agent.Dispose();
    }

    [Fact]
    public async Task Z6_Ready_OnlyAfterTheSnapshot()
    {
        using var pod = new TestNetns();
        Assert.False(_node.IsReady);

        using var connection = await _node.OpenAsync();
        Assert.Empty(await connection.AddAsync("u", pod.Handle));
        Assert.False(_node.IsReady);
        Assert.Empty(await connection.SnapshotAsync());

        Assert.True(_node.IsReady);
    }

    [Fact]
    public async Task Z7_A4_AddSnapshotDel_NothingIsServedAndReadyStays()
    {
        using var pod = new TestNetns();
        using var connection = await _node.OpenAsync();
        Assert.Empty(await connection.AddAsync("u", pod.Handle));
        Assert.Empty(await connection.SnapshotAsync());
        Assert.Equal("Up", State(await _node.DumpAsync(), "u"));

        Assert.Empty(await connection.DeleteAsync("u"));

        Assert.Equal((0, 0, 1, 1), await _node.CountsAsync());
        Assert.True(_node.IsReady);
        Assert.Empty(pod.ListeningPorts());
        Assert.Empty(await _node.DumpAsync());
    }

    [Fact]
    public async Task Z8_A10_SnapshotWithoutAPod_EndsItsService()
    {
        using var first = new TestNetns();
        using var second = new TestNetns();
        using (var before = await _node.OpenAsync())
        {
            Assert.Empty(await before.AddAsync("first", first.Handle));
            Assert.Empty(await before.AddAsync("second", second.Handle));
            Assert.Empty(await before.SnapshotAsync());
            Assert.Equal((2, 0, 2, 0), await _node.CountsAsync());
        }

        using var connection = await _node.AcceptAsync();
        Assert.Empty(await connection.AddAsync("first", first.Handle));
        Assert.Equal((2, 0, 2, 0), await _node.CountsAsync());
        Assert.Empty(await connection.SnapshotAsync());

        Assert.Equal((1, 0, 2, 1), await _node.CountsAsync());
        Assert.Equal(Ports, first.ListeningPorts());
        Assert.Empty(second.ListeningPorts());
    }

    [Fact]
    public async Task Z9_Keep_OutlivesAReconnect()
    {
        using var pod = new TestNetns();
        using (var before = await _node.OpenAsync())
        {
            Assert.Empty(await before.AddAsync("u", pod.Handle));
            Assert.Empty(await before.SnapshotAsync());
        }

        await Waiting.UntilAsync(() => !_node.IsReady, Token);
        using var connection = await _node.AcceptAsync();
        Assert.Empty(await connection.KeepAsync("u"));
        Assert.Empty(await connection.KeepAsync("never known"));
        Assert.Empty(await connection.SnapshotAsync());

        Assert.Equal((1, 0, 1, 0), await _node.CountsAsync());
        Assert.True(_node.IsReady);
    }

    [Fact]
    public async Task Z10_D10_AddedTwice_StartsOneProxy()
    {
        using var pod = new TestNetns();
        using var connection = await _node.OpenAsync();

        Assert.Empty(await connection.AddAsync("u", pod.Handle));
        var held = Descriptors.Of(pod);
        Assert.Empty(await connection.AddAsync("u", pod.Handle));

        Assert.Equal((1, 0, 1, 0), await _node.CountsAsync());
        Assert.Equal(held, Descriptors.Of(pod));
        Assert.Equal(Ports, pod.ListeningPorts());
    }

    [Fact]
    public async Task Z11_D10_OtherNamespace_Replaces()
    {
        using var old = new TestNetns();
        using var current = new TestNetns();
        using var connection = await _node.OpenAsync();

        Assert.Empty(await connection.AddAsync("u", old.Handle));
        Assert.Empty(await connection.AddAsync("u", current.Handle));

        Assert.Equal((1, 0, 2, 1), await _node.CountsAsync());
        Assert.Empty(old.ListeningPorts());
        Assert.Equal(Ports, current.ListeningPorts());
    }

    [Fact]
    public async Task Z12_A10_D10_PortTaken_IsPendingUntilItIsFree()
    {
        using var pod = new TestNetns();
        using var connection = await _node.OpenAsync();
        using (pod.Occupy(15008))
        {
            var error = await connection.AddAsync("u", pod.Handle);
            Assert.StartsWith("failure to start proxy : failed to bind to address [::]:15008", error, StringComparison.Ordinal);
            Assert.Empty(await connection.SnapshotAsync());
            Assert.Equal((0, 1, 0, 0), await _node.CountsAsync());
            Assert.Equal("Pending", State(await _node.DumpAsync(), "u"));
            _node.Time.Advance(Retry);
            Assert.Equal((0, 1, 0, 0), await _node.CountsAsync());
            Assert.False(_node.IsReady);
        }

        _node.Time.Advance(Retry);

        Assert.Equal((1, 0, 1, 0), await _node.CountsAsync());
        Assert.True(_node.IsReady);
        Assert.Equal(Ports, pod.ListeningPorts());
        Assert.Equal("Up", State(await _node.DumpAsync(), "u"));
    }

    [Fact]
    public async Task Z12_PortTakenLate_TheListenersBeforeAreClosed()
    {
        using var pod = new TestNetns();
        using var connection = await _node.OpenAsync();
        using var squatter = pod.Occupy(15001);

        Assert.Contains("15001", await connection.AddAsync("u", pod.Handle), StringComparison.Ordinal);

        Assert.Equal([15001], pod.ListeningPorts());
    }

    [Fact]
    public async Task Z13_GoodAddAfterAFailedOne_IsLeftAlone()
    {
        using var bad = new TestNetns();
        using var good = new TestNetns();
        using var connection = await _node.OpenAsync();
        using (bad.Occupy(15008))
        {
            Assert.NotEmpty(await connection.AddAsync("u", bad.Handle));
        }

        Assert.Empty(await connection.AddAsync("u", good.Handle));
        Assert.Empty(await connection.SnapshotAsync());
        _node.Time.Advance(Retry * 3);

        Assert.Equal((1, 0, 1, 0), await _node.CountsAsync());
        Assert.Empty(bad.ListeningPorts());
        Assert.Equal(Ports, good.ListeningPorts());
        Assert.True(_node.IsReady);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Z14_D10_DelOfAFailedAdd_EndsTheRetries(bool beforeSnapshot)
    {
        using var pod = new TestNetns();
        var free = Descriptors.Of(pod);
        using var connection = await _node.OpenAsync();
        using (pod.Occupy(15008))
        {
            Assert.NotEmpty(await connection.AddAsync("u", pod.Handle));
        }

        string[] errors = beforeSnapshot
            ? [await connection.DeleteAsync("u"), await connection.SnapshotAsync()]
            : [await connection.SnapshotAsync(), await connection.DeleteAsync("u")];
        _node.Time.Advance(Retry * 3);

        Assert.All(errors, Assert.Empty);
        Assert.Equal((0, 0, 0, 0), await _node.CountsAsync());
        Assert.True(_node.IsReady);
        Assert.Equal(free, Descriptors.Of(pod));
    }

    [Fact]
    public async Task D10_DelBeforeSnapshot_LetsRunUntilTheSnapshot()
    {
        using var pod = new TestNetns();
        using var connection = await _node.OpenAsync();
        Assert.Empty(await connection.AddAsync("u", pod.Handle));

        Assert.Empty(await connection.DeleteAsync("u"));
        Assert.Equal((1, 0, 1, 0), await _node.CountsAsync());
        Assert.Empty(await connection.SnapshotAsync());

        Assert.Equal((0, 0, 1, 1), await _node.CountsAsync());
    }

    [Fact]
    public async Task Z15_AddDelAdd_OfOneNamespaceWorks()
    {
        using var pod = new TestNetns();
        using var connection = await _node.OpenAsync();
        Assert.Empty(await connection.SnapshotAsync());

        for (var i = 1; i <= 50; i++)
        {
            Assert.Empty(await connection.AddAsync("u", pod.Handle));
            Assert.Empty(await connection.DeleteAsync("u"));
        }

        Assert.Empty(await connection.AddAsync("u", pod.Handle));

        Assert.Equal((1, 0, 51, 50), await _node.CountsAsync());
        Assert.Equal(Ports, pod.ListeningPorts());
    }

    [Fact]
    public async Task TwoUidsInOneNamespace_TheNewerIsServed()
    {
        using var pod = new TestNetns();
        using var connection = await _node.OpenAsync();

        Assert.Empty(await connection.AddAsync("older", pod.Handle));
        Assert.Empty(await connection.AddAsync("newer", pod.Handle));

        Assert.Equal((1, 0, 2, 1), await _node.CountsAsync());
        Assert.Equal("Up", State(await _node.DumpAsync(), "newer"));
        Assert.Equal(Ports, pod.ListeningPorts());
        Assert.Contains(
            _node.Log.LinesOf<PodSet>(Microsoft.Extensions.Logging.LogLevel.Warning),
            line => line.Contains("older", StringComparison.Ordinal) && line.Contains("newer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task TwoUidsInOneNamespace_ThePendingOneIsForgotten()
    {
        using var pod = new TestNetns();
        using var connection = await _node.OpenAsync();
        using (pod.Occupy(15008))
        {
            Assert.NotEmpty(await connection.AddAsync("older", pod.Handle));
        }

        Assert.Empty(await connection.AddAsync("newer", pod.Handle));
        _node.Time.Advance(Retry * 2);

        Assert.Equal((1, 0, 1, 0), await _node.CountsAsync());
        Assert.Equal("Up", State(Assert.Single(await _node.DumpAsync()).Value));
    }

    [Fact]
    public async Task PodRemoved_ReleasesEveryDescriptor()
    {
        using var pod = new TestNetns();
        var free = Descriptors.Of(pod);
        using var connection = await _node.OpenAsync();
        Assert.Empty(await connection.SnapshotAsync());
        Assert.Empty(await connection.AddAsync("u", pod.Handle));
        Assert.Equal(free + 1, Descriptors.Of(pod));

        Assert.Empty(await connection.DeleteAsync("u"));

        await Waiting.UntilAsync(() => Descriptors.Of(pod) == free, Token);
        Assert.Empty(pod.ListeningPorts());
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string State(JsonObject dump, string uid) => State(dump[uid]);

    private static string State(JsonNode? pod) => pod!["state"]!.GetValue<string>();

}
