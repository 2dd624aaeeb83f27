using System.Net;
using System.Net.Sockets;
using Ztunnel.Config;
using Ztunnel.Dns;
using Ztunnel.Dns.Wire;
using Ztunnel.Mesh;
using Ztunnel.Proxy;
using static Ztunnel.Tests.Dns.Messages;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Dns;

/// <summary>The proxy over real sockets, answering out of the mesh: control-plane 6.1 to 6.4, 6.6 and 6.7.</summary>
public sealed class DnsProxyTests
{
    private static readonly Service Echo = Service("echo.ns1.svc.cluster.local", "80:80", "10.0.0.1");
    private static readonly Service Google = Service("www.google.com", "80:80", "240.0.0.1");
    private static readonly Service Large = Service(
        "large.com", "80:80", [.. Enumerable.Range(0, 256).Select(i => $"240.0.1.{i}")]);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task D12_D16_BothTransports_AnswerWithIdRdAndRa(bool tcp)
    {
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Echo]);
        var query = Query("echo.ns1", id: 0xbeef);

        var answer = tcp ? await dns.AskTcpAsync(query) : await dns.AskAsync(query);

        Assert.Equal(0xbeef, answer.Id);
        Assert.Equal(0x8580, answer.Flags); // QR AA RD RA, NOERROR
        Assert.Equal("echo.ns1 1 1", answer.Question);
        Assert.Equal(["echo.ns1 30 A 10.0.0.1"], answer.Answers);
        Assert.Empty(answer.Authorities);
        Assert.Empty(answer.Additionals); // none asked for
    }

    [Fact]
    public async Task D16_NoRecursionDesired_IsEchoedAsSuch()
    {
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Echo]);

        Assert.Equal(0x8480, (await dns.AskAsync(Query("echo", flags: 0))).Flags);
    }

    [Fact]
    public async Task D5_SearchDomain_GivesCnameAndAddressOfTheStrippedName()
    {
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Google]);

        var answer = await dns.AskAsync(Query("www.google.com.ns1.svc.cluster.local"));
        var aaaa = await dns.AskAsync(Query("www.google.com.ns1.svc.cluster.local", DnsType.Aaaa));

        Assert.Equal(
            ["www.google.com.ns1.svc.cluster.local 30 CNAME www.google.com", "www.google.com 30 A 240.0.0.1"],
            answer.Answers);
        Assert.Equal((0, true), (aaaa.Code, aaaa.IsAuthoritative));
        Assert.Empty(aaaa.Answers);
    }

    [Fact]
    public async Task MixedCase_QuestionIsEchoed_OwnersAreLowerCase()
    {
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Google]);

        var plain = await dns.AskAsync(Query("wWw.GoOgLe.com"));
        var suffixed = await dns.AskAsync(Query("WWW.google.com.NS1.svc.cluster.local"));

        Assert.Equal("wWw.GoOgLe.com 1 1", plain.Question);
        Assert.Equal(["www.google.com 30 A 240.0.0.1"], plain.Answers);
        Assert.Equal("www.google.com.ns1.svc.cluster.local 30 CNAME www.google.com", suffixed.Answers[0]);
    }

    [Fact]
    public async Task D13_ManyRecords_TcpIsComplete_UdpIsCutToWholeRecords()
    {
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Large]);

        var whole = await dns.AskTcpAsync(Query("large.com"));
        var edns = await dns.AskAsync(Query("large.com", ednsSize: 1232));
        var plain = await dns.AskAsync(Query("large.com"));

        Assert.Equal((256, false), (whole.Answers.Distinct().Count(), whole.IsTruncated));
        Assert.Equal((74, true), (edns.Answers.Length, edns.IsTruncated));
        Assert.Equal(["OPT 1232 00000000"], edns.Additionals);
        Assert.Equal((30, true), (plain.Answers.Length, plain.IsTruncated)); // (512 - 12 - 15) / 16
    }

    [Fact]
    public async Task Order_IsRandom()
    {
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Large]);

        var first = await dns.AskTcpAsync(Query("large.com"));
        var second = await dns.AskTcpAsync(Query("large.com"));

        Assert.NotEqual(first.Answers, second.Answers); // equal once in 256! times
    }

    [Theory]
    [InlineData(100, "OPT 512 00008000")]
    [InlineData(4096, "OPT 4096 00008000")]
    public async Task Edns_IsEchoedWithSizeAndDo(int size, string expected)
    {
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Echo]);

        var answer = await dns.AskAsync(Query("echo", ednsSize: size, dnssecOk: true));

        Assert.Equal([expected], answer.Additionals);
    }

    [Fact]
    public async Task EdnsVersion1_IsBadvers()
    {
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Echo]);

        var answer = await dns.AskAsync(Query("echo", ednsSize: 1232, ednsVersion: 1));

        Assert.Equal(0, answer.Code);
        Assert.Equal(["OPT 1232 01000000"], answer.Additionals); // upper bits of 16; ours is version 0
        Assert.Empty(answer.Answers);
    }

    public static TheoryData<string, byte[], int> Faults => new()
    {
        { "STATUS", Query("a", flags: 2 << 11), (int)DnsCode.NotImplemented },
        { "IQUERY", Query("a", flags: 1 << 11), (int)DnsCode.NotImplemented },
        { "opcode 15", Query("a", flags: 15 << 11), (int)DnsCode.NotImplemented },
        { "DSO", [.. Words(7, 6 << 11, 0, 0, 0, 0), .. Words(1, 4, 1, 2)], (int)DnsCode.NotImplemented },
        { "no question", Words(7, 0, 0, 0, 0, 0), (int)DnsCode.ServerFailure },
        { "two questions", [.. Words(7, 0, 2, 0, 0, 0), .. Name("a"), .. Words(1, 1), .. Name("b"), .. Words(1, 1)], (int)DnsCode.ServerFailure },
        { "cut question", Query("echo")[..^1], (int)DnsCode.FormatError },
        { "pointer loop", [.. Words(7, 0, 1, 0, 0, 0), 0xc0, 12, .. Words(1, 1)], (int)DnsCode.FormatError },
        { "AXFR", Query("cluster.local", DnsType.Axfr), (int)DnsCode.NotImplemented },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Fault_IsAnsweredWithItsCode(string what, byte[] query, int code)
    {
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Echo]);

        var udp = await dns.AskAsync(query);
        var tcp = await dns.AskTcpAsync(query);

        Assert.True((code, code) == (udp.Code, tcp.Code), what);
        Assert.Equal((query[2] & 0x78) >> 3, (udp.Flags >> 11) & 0xf); // the opcode comes back
        Assert.Equal((query[0] << 8) | query[1], udp.Id);
    }

    [Fact]
    public async Task ResponsesAndFragments_GetNoAnswer()
    {
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Echo]);
        using var client = dns.Client();

        await client.SendAsync(Query("echo", id: 1, flags: 0x8100), Token);
        await client.SendAsync(Query("echo", id: 2).AsMemory(0, 11), Token);
        await client.SendAsync(Array.Empty<byte>(), Token);
        await client.SendAsync(Query("echo", id: 3), Token);

        Assert.Equal(3, new Parsed(await DnsFixture.ReceiveAsync(client)).Id); // the first that is answered at all
    }

    [Fact]
    public async Task Garbage_OverBothTransports_EndsNothing()
    {
        using var loggers = new Ztunnel.Tests.Proxy.CategoryLoggers();
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Echo, Large], loggers: loggers);
        using var client = dns.Client();
        var random = new Random(53);
        for (var i = 0; i < 3_000; i++)
        {
            var query = Query(i % 2 == 0 ? "echo" : "large.com", ednsSize: 1232);
            for (var changes = random.Next(4); changes >= 0; changes--)
            {
                query[random.Next(query.Length)] = (byte)random.Next(256);
            }

            await client.SendAsync(query.AsMemory(0, random.Next(query.Length + 1)), Token);
            if (i % 30 == 0)
            {
                await using var stream = await dns.ConnectAsync();
                await DnsFixture.SendAsync(stream, query);
            }
        }

        Assert.Single((await dns.AskAsync(Query("echo"))).Answers);
        Assert.Single((await dns.AskTcpAsync(Query("echo"))).Answers);
        Assert.Empty(loggers.LinesOf<DnsProxy>(Microsoft.Extensions.Logging.LogLevel.Error));
        Assert.Empty(loggers.LinesOf<ActiveConnections>(Microsoft.Extensions.Logging.LogLevel.Error));
    }

    [Theory]
    [InlineData("localhost", DnsType.A, 0, "127.0.0.1")]
    [InlineData("x.localhost", DnsType.Aaaa, 0, "::1")]
    [InlineData("localhost", (ushort)15, 0, null)]
    [InlineData("x.invalid", DnsType.A, 3, null)]
    [InlineData("example.onion", (ushort)16, 3, null)]
    public async Task SpecialName_IsNeverForwarded(string name, ushort type, int code, string? address)
    {
        await using var server = ScriptedNameServer.Of("192.0.2.1");
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [server.Address]);

        var answer = await dns.AskAsync(Query(name, type));

        Assert.Equal((code, true, false), (answer.Code, answer.IsRecursive, answer.IsAuthoritative));
        Assert.Equal(address is null ? [] : [address], answer.Answers.Select(record => record.Split(' ')[3]));
        Assert.Empty(server.Queries);
    }

    [Fact]
    public async Task ClientUnknown_WaitsForItAndThenFails()
    {
        await using var dns = new DnsFixture([Echo], limits: new DnsLimits { Workload = TimeSpan.FromMilliseconds(50) });

        Assert.Equal((int)DnsCode.ServerFailure, (await dns.AskAsync(Query("echo", ednsSize: 1232))).Code);
    }

    [Fact]
    public async Task ClientAnnouncedMeanwhile_IsAnswered()
    {
        await using var dns = new DnsFixture([Echo], limits: new DnsLimits { Workload = DnsFixture.Limit });
        using var client = dns.Client();
        await client.SendAsync(Query("echo"), Token);
        await Waiting.UntilAsync(
            () => dns.ScrapeAsync().Result.Contains("istio_dns_requests_total", StringComparison.Ordinal), Token);

        dns.Mesh.Update(snapshot => snapshot.With(DnsFixture.ClientPod));

        Assert.Equal(["echo 30 A 10.0.0.1"], new Parsed(await DnsFixture.ReceiveAsync(client)).Answers);
    }

    [Fact]
    public async Task D14_MappedClient_IsAnswered()
    {
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Echo], address: IPAddress.IPv6Any);

        Assert.Equal(["echo 30 A 10.0.0.1"], (await dns.AskAsync(Query("echo"))).Answers);
        Assert.Equal(["echo 30 A 10.0.0.1"], (await dns.AskTcpAsync(Query("echo"))).Answers);
    }

    [Fact]
    public async Task D12_Dig_GetsTheSameOverUdpAndTcp()
    {
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Echo, Large]);

        Assert.Equal("10.0.0.1", await dns.DigAsync("+short", "echo.ns1.svc.cluster.local"));
        Assert.Equal("10.0.0.1", await dns.DigAsync("+short", "+tcp", "echo.ns1.svc.cluster.local"));
        var whole = await dns.DigAsync("large.com"); // comes back over TCP by itself
        Assert.Contains(";; Truncated, retrying in TCP mode.", whole, StringComparison.Ordinal);
        Assert.Contains("ANSWER: 256", whole, StringComparison.Ordinal);
        var cut = await dns.DigAsync("+ignore", "+bufsize=1232", "large.com");
        Assert.Contains("ANSWER: 74", cut, StringComparison.Ordinal);
        Assert.DoesNotContain("WARNING", cut, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PortTaken_IsNamed()
    {
        using var squatter = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        squatter.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)squatter.LocalEndPoint!).Port;
        await using var dns = new DnsFixture([]);
        using var drain = new Drain();
        var services = new DnsServices(
            new ProxyOptions { PacketMark = null, DnsAddress = new DnsListenAddress(null, (ushort)port) },
            dns.Mesh, new DnsMetrics(new()), Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance,
            TimeProvider.System)
        {
            ReadResolverFile = () => ResolverFile.Parse(""),
        };

        var refused = Assert.Throws<ListenException>(
            () => DnsProxy.Bind(services, DnsFixture.ClientPod.Info, netns: null, drain));

        Assert.Equal(
            $"failed to bind to address 127.0.0.1:{port}: Address already in use (os error 98)", refused.Message);
    }

    [Fact]
    public async Task Metrics_HaveIstiosNamesAndLabels()
    {
        await using var server = ScriptedNameServer.Failing(3);
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Echo], [server.Address]);

        await dns.AskAsync(Query("echo"));
        await dns.AskTcpAsync(Query("echo", DnsType.Aaaa));
        await dns.AskAsync(Query("missing.example.com", 16));

        var text = await dns.ScrapeAsync();
        const string Pod = "source_canonical_service=\"shop\",source_canonical_revision=\"v1\"";
        const string Txt = $"request_query_type=\"txt\",request_protocol=\"udp\",{Pod}";
        Assert.Contains($"istio_dns_requests_total{{request_query_type=\"a\",request_protocol=\"udp\",{Pod}}} 1\n", text);
        Assert.Contains($"istio_dns_requests_total{{request_query_type=\"aaaa\",request_protocol=\"tcp\",{Pod}}} 1\n", text);
        Assert.Contains($"istio_dns_upstream_requests_total{{{Txt}}} 1\n", text);
        Assert.Contains($"istio_dns_upstream_failures_total{{{Txt}}} 1\n", text);
        Assert.Contains("# TYPE istio_dns_upstream_request_duration_seconds histogram\n", text);
        Assert.Contains($"istio_dns_upstream_request_duration_seconds_count{{{Txt}}} 1\n", text);
        Assert.Contains($"istio_dns_upstream_request_duration_seconds_bucket{{le=\"+Inf\",{Txt}}} 1\n", text);
        Assert.Matches($"_bucket{{le=\"0.0005\",{Txt}}} [01]\n", text);
        Assert.Matches($"_bucket{{le=\"5.0\",{Txt}}} 1\n", text);
        Assert.DoesNotContain("istio_dns_upstream_requests_total{request_query_type=\"a\"", text);
    }
}
