using Ztunnel.Cni;

namespace Node.Tests.InPod;

/// <summary>Pods that come to a proxy that serves others, well and badly; data-path 13, D10, node-integration 8, Z10 and Z12.</summary>
[Collection<TwoNodesCollection>]
public sealed class EnrolmentTests(TwoNodes nodes)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task D10_AddedTwice_IsStartedOnceAndItsConnectionsStay()
    {
        await using var server = PodServer.Start(nodes.Local.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        using var open = await nodes.Client.ConnectAsync(nodes.Local.Pod.IPv6!, TwoNodes.EchoPort, Token);
        await EchoCalls.ExchangeAsync(open);
        var before = await CountAsync("proxies_started_total");

        await nodes.Near.EnrolAsync(nodes.Client, Token);
        await nodes.Near.EnrolAsync(nodes.Local, Token);

        Assert.Equal(before, await CountAsync("proxies_started_total"));
        await EchoCalls.ExchangeAsync(open);
    }

    [Fact]
    public async Task D10_PodWhosePortIsTaken_IsTriedAgainAndHoldsUpNobody()
    {
        var bad = await nodes.AddPodAsync(nodes.Near, "bad", "default", "bad");
        var good = await nodes.AddPodAsync(nodes.Near, "good", "default", "good");
        await using var server = PodServer.Start(nodes.Remote.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        using var open = await nodes.Client.ConnectAsync(nodes.Remote.Pod.IPv4, TwoNodes.EchoPort, Token);
        await EchoCalls.ExchangeAsync(open);
        var active = await CountAsync("active_proxy_count");
        var squatter = bad.Pod.Listen(15008);
        try
        {
            var e = await Assert.ThrowsAsync<CniException>(() => nodes.Near.EnrolAsync(bad, Token));
            await nodes.Near.EnrolAsync(good, Token);

            Assert.StartsWith("got ack error: failure to start proxy : ", e.Message, StringComparison.Ordinal);
            Assert.Contains(":15008: Address already in use", e.Message, StringComparison.Ordinal);
            Assert.Contains(15001, await Listeners.OfAsync(good.Pod, Token));
            Assert.DoesNotContain(15001, await Listeners.OfAsync(bad.Pod, Token));
            Assert.Equal((active + 1, 1), (await CountAsync("active_proxy_count"), await CountAsync("pending_proxy_count")));
            await nodes.Near.Proxy.WaitForReadyAsync("500 not ready, pending: workload proxy manager", Token);
            await EchoCalls.ExchangeAsync(open);
            Assert.Equal(EchoCalls.Answer, await nodes.Twin.AskAsync(nodes.Remote.Pod.IPv6!, TwoNodes.EchoPort));

            squatter.Dispose();
            await nodes.Near.Proxy.WaitForReadyAsync("200", Token);
            Assert.Equal((active + 2, 0), (await CountAsync("active_proxy_count"), await CountAsync("pending_proxy_count")));
            Assert.Contains(15001, await Listeners.OfAsync(bad.Pod, Token));
        }
        finally
        {
            squatter.Dispose();
            await nodes.Near.WithdrawAsync(bad, Token);
            await nodes.Near.WithdrawAsync(good, Token);
        }
    }

    private Task<double> CountAsync(string name) => nodes.Near.Proxy.SumAsync($"workload_manager_{name}", [], Token);
}
