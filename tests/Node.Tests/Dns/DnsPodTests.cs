using System.Net;
using Redirection.Rules;
using Ztunnel.Config;
using Ztunnel.Proxy;

namespace Node.Tests.Dns;

/// <summary>DNS inside a pod's namespace: node-integration 2.1 to 2.4, 3 and 9.2.</summary>
public sealed class DnsPodTests
{
    private const string Ipv4 = "127.0.0.1";
    private const string Ipv6 = "::1";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(DnsPod.ServerIpv4)]
    [InlineData(DnsPod.ServerIpv6)]
    public async Task D12_BothFamiliesAndTransports_AreAnsweredAndForwardedInThePod(string server)
    {
        await using var pod = await DnsPod.CreateAsync();
        await using var proxy = pod.StartProxy(server);

        Assert.Equal(
            [new(IPAddress.Loopback, 15053), new(IPAddress.IPv6Loopback, 15053)], proxy.Addresses.ToArray());
        foreach (var address in (string[])[Ipv4, Ipv6])
        {
            foreach (var transport in (string[])["+notcp", "+tcp"])
            {
                Assert.Equal("10.0.0.1", await pod.DigAsync(address, transport, "echo.ns1"));
                Assert.Equal("fd00::1", await pod.DigAsync(address, transport, "echo.ns1", "AAAA"));
                Assert.Equal("192.0.2.1", await pod.DigAsync(address, transport, "known.example.com"));
            }
        }
    }

    [Fact]
    public async Task LoopbackWithoutIpv6_IsServedOnIpv4Only()
    {
        await using var pod = await DnsPod.CreateAsync("net.ipv6.conf.lo.disable_ipv6=1");
        await using var proxy = pod.StartProxy(DnsPod.ServerIpv4);

        Assert.Equal([new(IPAddress.Loopback, 15053)], proxy.Addresses.ToArray());
        Assert.Equal("10.0.0.1", await pod.DigAsync(Ipv4, "echo.ns1"));
    }

    [Theory]
    [InlineData(RuleBackend.Nftables)]
    [InlineData(RuleBackend.Iptables)]
    public async Task CapturedQueries_AreAnswered_AndWhatWeForwardIsNotCapturedAgain(RuleBackend backend)
    {
        await using var pod = await DnsPod.CreateAsync();
        await new InPodRulesApplier(pod.Netns, backend).ApplyAsync(new InPodRules(), Token);
        await using var proxy = pod.StartProxy(DnsPod.ServerIpv4);

        // The application asks its cluster's name server, which has never heard of the mesh.
        foreach (var transport in (string[])["+notcp", "+tcp"])
        {
            string[] dig = ["dig", $"@{DnsPod.ServerIpv4}", "+tries=1", "+timeout=15", "+short", transport];
            Assert.Equal("10.0.0.1", await pod.RunAsync([.. dig, "echo.ns1"]));
            Assert.Equal("192.0.2.1", await pod.RunAsync([.. dig, "known.example.com"]));
        }
    }

    [Fact]
    public async Task CLibrary_WithTheSearchListOfAPod_FindsWhatItShould()
    {
        await using var pod = await DnsPod.CreateAsync();
        await new InPodRulesApplier(pod.Netns, RuleBackend.Nftables).ApplyAsync(new InPodRules(), Token);
        await using var proxy = pod.StartProxy(DnsPod.ServerIpv4);

        Assert.Equal("10.0.0.1", await pod.LookUpAsync("echo", ipv6: false));
        Assert.Equal("fd00::1", await pod.LookUpAsync("echo.ns1.svc", ipv6: true));
        Assert.Equal("192.0.2.1", await pod.LookUpAsync("known.example.com", ipv6: false));

        // Final words, not EAI_AGAIN (-3): an application would try again for ever.
        Assert.Contains(await pod.LookUpAsync("known.example.com", ipv6: true), (string[])["-2", "-5"]);
        Assert.Equal("-2", await pod.LookUpAsync("missing.example.com", ipv6: false));
    }

    [Fact]
    public async Task EveryForwardedPacket_HasTheMark()
    {
        await using var pod = await DnsPod.CreateAsync();
        await pod.RunAsync(
            "nft", "table inet t { chain out { type filter hook output priority 0; th dport 53 meta mark != 0x539 drop; }; }");
        await using var proxy = pod.StartProxy(DnsPod.ServerIpv4);

        Assert.Equal("192.0.2.1", await pod.DigAsync(Ipv4, "+notcp", "known.example.com"));
        Assert.Equal("192.0.2.1", await pod.DigAsync(Ipv4, "+tcp", "known.example.com"));
        Assert.Contains(
            "timed out",
            await pod.RunAsync("dig", $"@{DnsPod.ServerIpv4}", "+tries=1", "+timeout=1", "known.example.com"),
            StringComparison.Ordinal); // the rule is there
    }

    [Fact]
    public async Task Successor_BindsBesideUs_AndNoQueryIsLostWhenWeEnd()
    {
        await using var pod = await DnsPod.CreateAsync();
        await using var old = pod.StartProxy(DnsPod.ServerIpv4);
        using var successorsDrain = new Drain();
        await using var successor = pod.StartProxy(DnsPod.ServerIpv4, successorsDrain);
        using var asker = new Asker(pod.Netns);
        var asking = asker.AskUntilStoppedAsync(Token);
        await asker.WaitForAnswersAsync(200, Token);

        await pod.Drain.StartAsync();
        await old.WhenDrainedAsync().WaitAsync(Limit, Token);
        await asker.WaitForAnswersAsync(200, Token);

        asker.Stop();
        Assert.Equal(0, await asking);
    }

    [Fact]
    public async Task WithoutPortReuse_ASecondProxyIsRefusedByName()
    {
        await using var pod = await DnsPod.CreateAsync();
        await using var first = pod.StartProxy(DnsPod.ServerIpv4, options: new ProxyOptions { InPodPortReuse = false });

        var refused = Assert.Throws<ListenException>(() => pod.StartProxy(DnsPod.ServerIpv4, options: new ProxyOptions { InPodPortReuse = false }));

        Assert.StartsWith("failed to bind to address 127.0.0.1:15053: Address already in use", refused.Message, StringComparison.Ordinal);
    }
}
