using Microsoft.Extensions.Logging;
using Ztunnel.InPod;

namespace Ztunnel.Tests.InPod;

/// <summary>A pod whose network has gone without a word from istio-cni.</summary>
public sealed class VanishedPodsTests : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private readonly ScriptedAgent _agent = new();
    private readonly NodeFixture _node;
    private readonly TestNetns _pod = new();

    public VanishedPodsTests() => _node = new NodeFixture(_agent);

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        _pod.Dispose();
        _agent.Dispose();
    }

    [Fact]
    public async Task CableGone_PodIsServedNoMore()
    {
        var free = Descriptors.Of(_pod);
        _pod.Ip("link", "add", "eth0", "type", "veth", "peer", "name", "far");
        using var connection = await ServeAsync();
        _node.Time.Advance(Interval);

        _pod.Ip("link", "delete", "eth0");
        _node.Time.Advance(Interval);
        Assert.Equal((1, 0, 1, 0), await _node.CountsAsync());
        _node.Time.Advance(Interval);

        Assert.Equal((0, 0, 1, 1), await _node.CountsAsync());
        Assert.Empty(_pod.ListeningPorts());
        Assert.True(_node.IsReady);
        await Waiting.UntilAsync(() => Descriptors.Of(_pod) == free, TestContext.Current.CancellationToken);
        Assert.Contains(
            _node.Log.LinesOf<VanishedPods>(LogLevel.Warning), line => line.Contains("pod u ", StringComparison.Ordinal));
        Assert.Empty(await connection.DeleteAsync("u"));
    }

    [Fact]
    public async Task CableReplaced_PodIsServed()
    {
        _pod.Ip("link", "add", "eth0", "type", "veth", "peer", "name", "far");
        using var connection = await ServeAsync();
        _node.Time.Advance(Interval);

        for (var i = 0; i < 3; i++)
        {
            _pod.Ip("link", "delete", "eth0");
            _node.Time.Advance(Interval);
            _pod.Ip("link", "add", "eth0", "type", "veth", "peer", "name", "far");
            _node.Time.Advance(Interval);
        }

        Assert.Equal((1, 0, 1, 0), await _node.CountsAsync());
    }

    [Fact]
    public async Task NeverACable_PodIsServed()
    {
        using var connection = await ServeAsync();

        _node.Time.Advance(Interval * 4);

        Assert.Equal((1, 0, 1, 0), await _node.CountsAsync());
        Assert.Equal(3, _pod.ListeningPorts().Length);
    }

    [Fact]
    public async Task Vanished_MayBeAddedAgain()
    {
        using var other = new TestNetns();
        _pod.Ip("link", "add", "eth0", "type", "veth", "peer", "name", "far");
        using var connection = await ServeAsync();
        _node.Time.Advance(Interval);
        _pod.Ip("link", "delete", "eth0");
        _node.Time.Advance(Interval * 2);

        Assert.Empty(await connection.AddAsync("u", other.Handle));

        Assert.Equal((1, 0, 2, 1), await _node.CountsAsync());
    }

    private async Task<AgentConnection> ServeAsync()
    {
        var connection = await _node.OpenAsync();
        Assert.Empty(await connection.AddAsync("u", _pod.Handle));
        Assert.Empty(await connection.SnapshotAsync());
        return connection;
    }
}
