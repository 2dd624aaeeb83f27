using System.Diagnostics;
using System.Globalization;
using System.Net;
using Ztunnel.Demo;

namespace Node.Tests.Demo;

public sealed class TopologyTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pods_OnOneNodeAndAcrossNodes_ReachEachOtherInBothFamilies()
    {
        await using var topology = await Topology.CreateAsync(new TopologyOptions(), Token);
        var (near, far) = (await topology.AddNodeAsync("near", Token), await topology.AddNodeAsync("far", Token));
        var client = await topology.AddPodAsync(near, "client", Token);
        Pod[] servers =
        [
            await topology.AddPodAsync(near, "neighbour", Token),
            await topology.AddPodAsync(far, "remote", Token),
        ];

        foreach (var server in servers)
        {
            Assert.Equal("hello", await TransferAsync(client, server, "-4", server.IPv4));
            Assert.Equal("hello", await TransferAsync(client, server, "-6", server.IPv6!));
        }
    }

    [Fact]
    public async Task Topology_WithoutIPv6_HasNoIPv6Addresses()
    {
        await using var topology = await Topology.CreateAsync(new TopologyOptions { IPv6 = false }, Token);
        var pod = await topology.AddPodAsync(await topology.AddNodeAsync("node", Token), "pod", Token);

        var addresses = await pod.Namespace.RunAsync(new ProcessSpec("ip", "-6", "address", "show"), Token);

        Assert.Null(pod.IPv6);
        Assert.Equal("", addresses.Succeeded().Output);
    }

    [Fact]
    public async Task Topologies_TwoAtOnce_DoNotMeetAndLeaveNothing()
    {
        var first = await Topology.CreateAsync(new TopologyOptions(), Token);
        var second = await Topology.CreateAsync(new TopologyOptions { TimeWaitBuckets = 7 }, Token);
        var children = new List<int>();
        foreach (var topology in new[] { first, second })
        {
            var pod = await topology.AddPodAsync(await topology.AddNodeAsync("node", Token), "pod", Token);
            var server = await pod.Namespace.StartAsync(new ProcessSpec("nc", "-l", "7000") { KeepInputOpen = true });
            await server.WaitForListenerAsync(7000, Limit, Token);
            children.Add(server.Id);
        }

        await first.DisposeAsync();
        await second.DisposeAsync();

        Assert.NotEqual(first.Prefix, second.Prefix);
        Assert.Empty(NamespacesOf(first.Prefix));
        Assert.Empty(NamespacesOf(second.Prefix));
        Assert.False(Directory.Exists(first.Folder));
        Assert.All(children, child => Assert.False(Directory.Exists(FormattableString.Invariant($"/proc/{child}"))));
    }

    [Fact]
    public async Task Leftovers_OfADeadProcess_AreRemovedAndOthersStay()
    {
        var ended = await ChildProcess.StartAsync(new ProcessSpec("true"));
        var dead = new RunPrefix(ended.Id, 1, 1).Name("crashed");
        await ended.WaitForExitAsync(Token);
        await ended.DisposeAsync();
        await using var alive = await Topology.CreateAsync(new TopologyOptions(), Token);
        await RunAsync("ip", "netns", "add", dead);
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), dead)).FullName;

        await Topology.RemoveLeftoversAsync();

        Assert.False(File.Exists($"/run/netns/{dead}"));
        Assert.False(Directory.Exists(folder));
        Assert.Single(NamespacesOf(alive.Prefix));
    }

    [Theory]
    [InlineData("zt1f-a0-2-client", true)]
    [InlineData("zt1f-a0-2-with-dashes", true)]
    [InlineData("zt1f-a0-client", false)]
    [InlineData("ztunnel-1-2-3", false)]
    [InlineData("zt-1-2-3", false)]
    [InlineData("zt1ffffffff-1-2-3", false)]
    [InlineData("cni-1234", false)]
    public void RunPrefix_IsReadOnlyFromItsOwnNames(string name, bool ours)
    {
        Assert.Equal(ours, RunPrefix.TryParse(name, out var prefix));
        Assert.Equal(ours ? new RunPrefix(0x1f, 0xa0, 2) : default, prefix);
    }

    [Fact]
    public async Task ChildProcess_StartedOnAThreadThatEnds_LivesOn()
    {
        ChildProcess? child = null;
        var spec = new ProcessSpec("sleep", "60");
        var starter = new Thread(() => child = ChildProcess.StartAsync(spec).GetAwaiter().GetResult());
        starter.Start();
        starter.Join();
        await using var sleeping = child!;
        var status = FormattableString.Invariant($"/proc/{sleeping.Id}/comm");

        // setsid, setpriv and sleep follow each other in one process; once it is the last one it must stay.
        await sleeping.WaitUntilAsync(() => File.ReadAllText(status) == "sleep\n", "sleeps", Limit, Token);

        Assert.False(sleeping.HasExited);
        Assert.Equal(128 + 15, await sleeping.StopAsync());
    }

    [Fact]
    public async Task ChildProcess_TakingTooLong_IsKilledAndNamed()
    {
        var spec = new ProcessSpec("sleep", "60");
        var started = Stopwatch.GetTimestamp();

        var e = await Assert.ThrowsAsync<CommandException>(
            () => ChildProcess.RunAsync(spec, TimeSpan.FromMilliseconds(100), Token));

        Assert.Contains("'sleep 60' did not end within 0.1 s", e.Message, StringComparison.Ordinal);
        Assert.True(Stopwatch.GetElapsedTime(started) < Limit);
    }

    private static async Task<string> TransferAsync(Pod client, Pod server, string family, IPAddress address)
    {
        const int Port = 7000;
        var port = Port.ToString(CultureInfo.InvariantCulture);
        await using var listener = await server.Namespace.StartAsync(new ProcessSpec("nc", family, "-N", "-l", port));
        await listener.WaitForListenerAsync(Port, Limit, Token);

        var sender = new ProcessSpec("nc", family, "-N", address.ToString(), port) { Input = "hello\n" };
        (await client.Namespace.RunAsync(sender, Token, Limit)).Succeeded();

        return await listener.WaitForExitAsync(Token) == 0 ? listener.Output.ToString() : listener.Error.ToString();
    }

    private static async Task RunAsync(params string[] arguments) =>
        (await ChildProcess.RunAsync(new ProcessSpec(arguments), Limit, Token)).Succeeded();

    private static IEnumerable<string> NamespacesOf(string prefix) =>
        Directory.EnumerateFiles("/run/netns", prefix + "-*").Select(path => Path.GetFileName(path));
}
