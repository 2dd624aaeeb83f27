using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.InPod;

namespace Ztunnel.Tests.InPod;

/// <summary>Connections to istio-cni that end, are never made, or come while the proxy stops.</summary>
[Collection(nameof(UnsharedPorts))]
public sealed partial class ZdsReconnectTests : IAsyncDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ScriptedAgent _agent = new();
    private readonly NodeFixture _node;

    public ZdsReconnectTests() => _node = new NodeFixture(_agent, new ProxyOptions { InPodPortReuse = false });

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        _agent.Dispose();
    }

    [Fact]
    public async Task Z16_ClosedBeforeTheHelloIsRead_BacksOff()
    {
        _node.Pods.Open();
        for (var i = 0; i < 13; i++)
        {
            using var connection = await _node.AcceptSilentlyAsync(Second);
        }

        using var good = await _node.AcceptAsync(Second);
        Assert.Empty(await good.SnapshotAsync());

        Assert.True(_node.IsReady);
        var delays = LoggedDelays();
        Assert.Equal(13, delays.Length);
        Assert.All(delays, (delay, i) =>
        {
            var expected = Math.Min(0.010 * Math.Pow(2, i), 15);
            Assert.InRange(delay.TotalSeconds, expected * 0.79, expected * 1.21);
        });
    }

    [Fact]
    public async Task Z16_AfterASnapshot_TheFirstWaitIsShortAgain()
    {
        _node.Pods.Open();
        for (var i = 0; i < 8; i++)
        {
            using var connection = await _node.AcceptSilentlyAsync(Second);
        }

        using (var good = await _node.AcceptAsync(Second))
        {
            Assert.Empty(await good.SnapshotAsync());
        }

        using var again = await _node.AcceptAsync();

        Assert.InRange(LoggedDelays()[^1].TotalMilliseconds, 7.9, 12.1);
    }

    [Fact]
    public async Task Z17_AgentRestarts_PodsAreServedAndReadinessReturns()
    {
        using var pod = new TestNetns();
        using (var connection = await _node.OpenAsync())
        {
            Assert.Empty(await connection.AddAsync("u", pod.Handle));
            Assert.Empty(await connection.SnapshotAsync());
            _agent.Stop();
        }

        await Waiting.UntilAsync(() => !_node.IsReady, Token);
        Assert.Equal(3, pod.ListeningPorts().Length);
        _agent.Restart();
        using var again = await _node.AcceptAsync();
        Assert.Empty(await again.AddAsync("u", pod.Handle));
        Assert.Empty(await again.SnapshotAsync());

        Assert.True(_node.IsReady);
        Assert.Equal((1, 0, 1, 0), await _node.CountsAsync());
    }

    [Fact]
    public async Task Z17_OnlyOurSideIsLeft_ConnectsAgain()
    {
        using var connection = await _node.OpenAsync();
        Assert.Empty(await connection.SnapshotAsync());

        connection.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);

        using var again = await _node.AcceptAsync();
        Assert.False(_node.IsReady);
        Assert.Empty(await again.SnapshotAsync());
        Assert.True(_node.IsReady);
    }

    [Fact]
    public async Task Pending_OutlivesAReconnect()
    {
        using var pod = new TestNetns();
        using (pod.Occupy(15008))
        {
            using var connection = await _node.OpenAsync();
            Assert.NotEmpty(await connection.AddAsync("u", pod.Handle));
        }

        using var again = await _node.AcceptAsync();
        Assert.Empty(await again.KeepAsync("u"));
        Assert.Empty(await again.SnapshotAsync());
        Assert.False(_node.IsReady);
        _node.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal((1, 0, 1, 0), await _node.CountsAsync());
        Assert.True(_node.IsReady);
    }

    [Fact]
    public async Task Pending_NotInTheNextSnapshot_IsForgotten()
    {
        using var pod = new TestNetns();
        var free = Descriptors.Of(pod);
        using (pod.Occupy(15008))
        {
            using var connection = await _node.OpenAsync();
            Assert.NotEmpty(await connection.AddAsync("u", pod.Handle));
        }

        using var again = await _node.AcceptAsync();
        Assert.Empty(await again.SnapshotAsync());

        Assert.Equal((0, 0, 0, 0), await _node.CountsAsync());
        Assert.True(_node.IsReady);
        Assert.Equal(free, Descriptors.Of(pod));
    }

    [Fact]
    public async Task MeshUnknown_ZdsIsDialledAndPodsAreBoundAtOnce()
    {
        using var pod = new TestNetns();
        _node.Pods.Open(); // accepting begins when the mesh is known

        using var connection = await _node.AcceptAsync();
        Assert.Empty(await connection.AddAsync("u", pod.Handle));
        Assert.Empty(await connection.SnapshotAsync());

        Assert.Equal(3, pod.ListeningPorts().Length);
        Assert.True(_node.IsReady);
    }

    [Fact]
    public async Task Drain_AddsAreRefusedAndDelsDone()
    {
        using var first = new TestNetns();
        using var second = new TestNetns();
        var free = Descriptors.Of(second);
        using var connection = await _node.OpenAsync();
        Assert.Empty(await connection.AddAsync("first", first.Handle));
        Assert.Empty(await connection.SnapshotAsync());

        await _node.Pods.DrainAsync();

        Assert.False(_node.IsReady);
        Assert.Empty(first.ListeningPorts());
        Assert.Equal("failure to start proxy : shutting down", await connection.AddAsync("second", second.Handle));
        Assert.Empty(await connection.DeleteAsync("first"));
        Assert.Equal((0, 0, 1, 1), await _node.CountsAsync());
        Assert.Empty(second.ListeningPorts());
        Assert.Equal(free, Descriptors.Of(second));
        Assert.False(_node.IsReady);
    }

    [Fact]
    public async Task Dispose_EndsTheConnectionAndFreesEverything()
    {
        using var pod = new TestNetns();
        var free = Descriptors.Of(pod);
        using var connection = await _node.OpenAsync();
        Assert.Empty(await connection.AddAsync("u", pod.Handle));

        await _node.DisposeAsync();

        Assert.Empty(await connection.ReadAsync());
        Assert.Empty(pod.ListeningPorts());
        Assert.Equal(free, Descriptors.Of(pod));
    }

    [Fact]
    public async Task Z19_TwoProxies_TheNewerGetsAddsAndBothGetDels()
    {
        using var pod = new TestNetns();
        await using var newer = new NodeFixture(_agent);
        await using var older = new NodeFixture(_agent);
        using var toOlder = await older.OpenAsync();
        Assert.Empty(await toOlder.AddAsync("u", pod.Handle));
        Assert.Empty(await toOlder.SnapshotAsync());
        using var toNewer = await newer.OpenAsync();
        Assert.Empty(await toNewer.AddAsync("u", pod.Handle));
        Assert.Empty(await toNewer.SnapshotAsync());
        Assert.Equal([15001, 15001, 15006, 15006, 15008, 15008], pod.ListeningPorts());

        Assert.Empty(await toNewer.DeleteAsync("u"));
        Assert.Empty(await toOlder.DeleteAsync("u"));

        Assert.Equal((0, 0, 1, 1), await older.CountsAsync());
        Assert.Equal((0, 0, 1, 1), await newer.CountsAsync());
        Assert.Empty(pod.ListeningPorts());
    }

    [Fact]
    public async Task Z20_SnapshotOfFiveHundredPods_EveryAddIsAcked()
    {
        var pods = new List<TestNetns>();
        try
        {
            using var connection = await _node.OpenAsync();
            for (var i = 0; i < 500; i++)
            {
                pods.Add(new TestNetns());


                Assert.Empty(await connection.AddAsync($"uid-{i}", pods[i].Handle));
            }

            Assert.Empty(await connection.SnapshotAsync());

            Assert.Equal((500, 0, 500, 0), await _node.CountsAsync());
            Assert.True(_node.IsReady);
            for (var i = 0; i < 500; i++)
            {
                Assert.Empty(await connection.DeleteAsync($"uid-{i}"));
            }

            await Waiting.UntilAsync(() => Descriptors.Of(pods[0]) == 2 && Descriptors.Of(pods[499]) == 2, Token);
        }
        finally
        {
            pods.ForEach(pod => pod.Dispose());
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Of connections that were made and ended.
    private TimeSpan[] LoggedDelays() =>
    [
        .. _node.Log.LinesOf<ZdsClient>(LogLevel.Information)
            .Select(line => DelayOfLine().Match(line))
            .Where(match => match.Success)
            .Select(match => TimeSpan.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)),
    ];

    [GeneratedRegex("daemon ended, trying again in ([0-9:.]+): ")]
    private static partial Regex DelayOfLine();
}
