using Node.Tests.InPod;

namespace Node.Tests.Metrics;

/// <summary>A proxy whose standard output takes nothing serves connections all the same, and counts the lines it lost.</summary>
public sealed class LogOutputTests(TwoNodes nodes) : IClassFixture<TwoNodes>
{
    private const string Dropped = "ztunnel_log_dropped_lines_total";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("exec \"$@\" >/dev/full")]
    [InlineData("exec \"$@\" > >(exec true)")] // a pipe whose reader has gone
    public async Task OutputThatRefuses_ConnectionsWorkAndLinesAreCounted(string launch)
    {
        await StartAsync(launch);
        await using var server = PodServer.Start(nodes.Remote.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        var before = await nodes.Near.Proxy.SumAsync(Dropped, [], Token);

        Assert.Equal(EchoCalls.Answer, await nodes.Client.AskAsync(nodes.Remote.Pod.IPv4, TwoNodes.EchoPort));

        await EchoCalls.UntilAsync(
            async () => await nodes.Near.Proxy.SumAsync(Dropped, [], Token) > before, "lost lines are counted");
        Assert.Equal(0, nodes.Near.Proxy.Process.Output.Count);
    }

    [Fact]
    public async Task ReaderThatStopped_ConnectionsWork()
    {
        const int Connections = 300; // their lines are more than a pipe holds, which is 64 KiB
        await StartAsync("exec \"$@\" > >(exec sleep 600)");
        await using var server = PodServer.Start(nodes.Remote.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        var opened = await OpenedAsync();

        for (var i = 0; i < Connections; i++)
        {
            Assert.Equal(EchoCalls.Answer, await nodes.Client.AskAsync(nodes.Remote.Pod.IPv4, TwoNodes.EchoPort));
        }

        Assert.Equal(opened + Connections, await OpenedAsync());
        Assert.Equal(0, nodes.Near.Proxy.Process.Output.Count);

        Task<double> OpenedAsync() =>
            nodes.Near.Proxy.SumAsync("istio_tcp_connections_opened_total", [("reporter", "source")], Token);
    }

    private async Task StartAsync(string launch)
    {
        nodes.Near.Launcher = ["bash", "-c", launch, "bash"];
        await nodes.Near.ReplaceProxyAsync(Token);
    }
}
