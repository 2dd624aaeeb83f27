using System.Net;
using Ztunnel.Config;
using Ztunnel.Dns;

namespace Node.Tests.Dns;

/// <summary>
/// Control-plane 9.8 as an application in a pod finds it: each question is asked by dig over both families and both transports, and
/// what the mesh does not answer comes from a real name server.
/// </summary>
public sealed class DnsStatementTests(DnsStatementTests.ServedPod served) : IClassFixture<DnsStatementTests.ServedPod>
{
    private const string Suffix = "svc.cluster.local";

    private static readonly string[] Nothing = [];

    [Theory]
    [InlineData("other.ns2.svc", "10.0.0.2")]
    [InlineData("echo.ns1.svc", "10.0.0.1")]
    [InlineData("www.google.com", "240.0.0.1")]
    [InlineData("echo.ns1.svc.cluster.local", "10.0.0.1")]
    public Task D1_ExpandedName_IsAnswered(string name, string address) => AssertAsync(name, "A", "NOERROR", [$"{name} A {address}"]);

    [Theory]
    [InlineData("a.wiki.org", "240.0.0.3")]
    [InlineData("a.b.wiki.org", "240.0.0.3")]
    [InlineData("wiki.org", "240.0.0.2")]
    public Task D2_D8_Wildcards_TheMoreSpecificWins(string name, string address) =>
        AssertAsync(name, "A", "NOERROR", [$"{name} A {address}"]);

    [Fact]
    public async Task D3_SearchDomains_FollowTheNamespaceOfTheClient()
    {
        await AssertAsync(
            $"www.google.com.ns1.{Suffix}", "A", "NOERROR",
            ["www.google.com A 240.0.0.1", $"www.google.com.ns1.{Suffix} CNAME www.google.com"]);
        await AssertAsync($"www.google.com.ns2.{Suffix}", "A", "REFUSED", Nothing);
        await AssertAsync($"ns1.{Suffix}", "A", "REFUSED", Nothing); // nothing would be left of it
    }

    [Fact]
    public Task D4_NameServersOfAMeshName_AreForwarded() => AssertAsync("echo.ns1", "NS", "REFUSED", Nothing);

    [Fact]
    public async Task D5_ExternalHost_Ipv4Only_AaaaIsEmptyAndOurs()
    {
        await AssertAsync("www.google.com", "AAAA", "NOERROR", Nothing);
        await AssertAsync($"www.google.com.ns1.{Suffix}", "AAAA", "NOERROR", Nothing);
    }

    [Fact]
    public async Task D6_EveryForm_IsAnsweredUnderTheAskedName_AndOtherNamespacesAreForwarded()
    {
        foreach (var name in (string[])["echo", "echo.ns1", "echo.ns1.svc", $"echo.ns1.{Suffix}"])
        {
            await AssertAsync(name, "A", "NOERROR", [$"{name} A 10.0.0.1"]);
            await AssertAsync(name, "AAAA", "NOERROR", [$"{name} AAAA fd00::1"]);
        }

        await AssertAsync("other", "A", "REFUSED", Nothing);
    }

    [Fact]
    public async Task D7_InvisibleService_IsForwarded()
    {
        await AssertAsync("hidden.ns2", "A", "REFUSED", Nothing);
        await AssertAsync("own", "A", "NOERROR", ["own A 10.0.0.4"]);
    }

    [Fact]
    public Task D8_WildcardBehindASearchDomain_HasNoAlias() =>
        AssertAsync($"a.wiki.org.ns1.{Suffix}", "A", "NOERROR", [$"a.wiki.org.ns1.{Suffix} A 240.0.0.3"]);

    [Fact]
    public async Task D9_AddressesOfOtherNetworks_AreLeftOut()
    {
        await AssertAsync("far", "A", "NOERROR", Nothing);
        await AssertAsync("both", "A", "NOERROR", ["both A 10.0.0.7"]);
    }

    [Fact]
    public async Task D10_Headless_HasItsEndpointsByFamily_ExternalAndPodsAreForwarded()
    {
        await AssertAsync("db", "A", "NOERROR", ["db A 10.2.0.1", "db A 10.2.0.2"]);
        await AssertAsync("db", "AAAA", "NOERROR", ["db AAAA fd02::1"]);
        await AssertAsync("six", "A", "NOERROR", Nothing);
        await AssertAsync("six", "AAAA", "NOERROR", ["six AAAA fd02::3"]);
        await AssertAsync("outside.example.com", "A", "NXDOMAIN", Nothing);
        await AssertAsync($"db-0.db.ns1.{Suffix}", "A", "REFUSED", Nothing);
    }

    [Fact]
    public async Task D11_SharedHostname_OwnThenCanonicalThenPreferred()
    {
        await AssertAsync("mine.com", "A", "NOERROR", [$"mine.com A {DnsMesh.VipOf("ns1")}"]);
        await AssertAsync("canonical.com", "A", "NOERROR", [$"canonical.com A {DnsMesh.VipOf("ns4")}"]);
        await AssertAsync("shared.com", "A", "NOERROR", [$"shared.com A {DnsMesh.VipOf("ns5")}"]);
    }

    [Fact]
    public async Task D13_ManyRecords_TcpIsComplete_UdpIsCut()
    {
        foreach (var server in ServedPod.Servers)
        {
            var whole = await served.Pod.AskAsync(server, "+tcp", "large.com");
            var cut = await served.Pod.AskAsync(server, "+notcp", "+bufsize=1232", "large.com");

            Assert.Equal((256, "qr aa rd ra"), (whole.Answers.Length, whole.Flags));
            Assert.Equal((74, "qr aa tc rd ra"), (cut.Answers.Length, cut.Flags));
        }
    }

    [Fact]
    public async Task D14_MappedClient_IsAnswered()
    {
        await using var pod = await DnsPod.CreateAsync();
        var everywhere = new ProxyOptions { DnsAddress = new DnsListenAddress(IPAddress.IPv6Any, 15053) };
        await using var proxy = pod.StartProxy(DnsPod.ServerIpv4, options: everywhere);

        Assert.Equal([new(IPAddress.IPv6Any, 15053)], proxy.Addresses.ToArray());
        foreach (var server in ServedPod.Servers)
        {
            Assert.Equal("10.0.0.1", await pod.DigAsync(server, "+notcp", "echo"));
            Assert.Equal("10.0.0.1", await pod.DigAsync(server, "+tcp", "echo"));
        }
    }

    [Fact]
    public async Task D15_Forwarded_IsNotAuthoritative()
    {
        await AssertAsync("known.example.com", "A", "NOERROR", ["known.example.com A 192.0.2.1"], "qr rd ra");
        await AssertAsync("unknown.example.com", "A", "NXDOMAIN", Nothing, "qr rd ra");
    }

    [Fact]
    public async Task D16_RecursionDesired_IsEchoed()
    {
        foreach (var server in ServedPod.Servers)
        {
            Assert.Equal("qr aa rd ra", (await served.Pod.AskAsync(server, "+recurse", "echo")).Flags);
            Assert.Equal("qr aa ra", (await served.Pod.AskAsync(server, "+norecurse", "echo")).Flags);
        }
    }

    // D12: the same over both transports.
    private async Task AssertAsync(string name, string type, string code, string[] answers, string? flags = null)
    {
        foreach (var server in ServedPod.Servers)
        {
            foreach (var transport in (string[])["+notcp", "+tcp"])
            {
                var reply = await served.Pod.AskAsync(server, transport, name, type);

                Assert.Equal((code, string.Join('\n', answers)), (reply.Code, string.Join('\n', reply.Answers)));
                Assert.Equal(flags ?? reply.Flags, reply.Flags);
            }
        }
    }

    /// <summary>A pod whose names are served on both loopback addresses.</summary>
    public sealed class ServedPod : IAsyncLifetime
    {
        public static readonly string[] Servers = ["127.0.0.1", "::1"];

        private DnsProxy? _proxy;

        internal DnsPod Pod { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Pod = await DnsPod.CreateAsync();
            _proxy = Pod.StartProxy(DnsPod.ServerIpv4, options: new ProxyOptions { PreferredServiceNamespace = "ns5" });
        }

        public async ValueTask DisposeAsync()
        {
            if (_proxy is not null)
            {
                await _proxy.DisposeAsync();
            }

            await Pod.DisposeAsync();
        }
    }
}
