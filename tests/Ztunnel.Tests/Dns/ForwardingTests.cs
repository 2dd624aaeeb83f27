using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Ztunnel.Demo;
using Ztunnel.Dns;
using Ztunnel.Dns.Wire;
using static Ztunnel.Tests.Dns.Messages;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Dns;

/// <summary>What the mesh does not know: control-plane 6.5 and 6.7.</summary>
public sealed class ForwardingTests
{
    private const string Name = "www.Example.com";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task D4_OtherTypes_AreForwardedAsTheyAre(bool tcp)
    {
        await using var server = ScriptedNameServer.Failing(0);
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Service("echo.ns1.svc.cluster.local", "80:80", "10.0.0.1")], [server.Address]);
        byte[] query = [.. Query("Echo.ns1", type: 2, ednsSize: 1400, dnssecOk: true)[..^1], 4, 0xff, 0xfe, 0, 0];

        _ = tcp ? await dns.AskTcpAsync([.. query, 9, 9]) : await dns.AskAsync([.. query, 9, 9]);

        Assert.True(server.Queries.TryDequeue(out var seen));
        Assert.Equal(query[2..], seen[2..]); // all but the id, and no octet more
    }

    [Fact]
    public async Task ForwardedId_IsOurOwn()
    {
        await using var server = ScriptedNameServer.Of("192.0.2.1");
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [server.Address]);

        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(0x1234, (await dns.AskAsync(Query(Name))).Id);
        }

        Assert.Contains(server.Queries, query => query[0] != 0x12 || query[1] != 0x34);
        Assert.True(server.Queries.Select(query => (query[0] << 8) | query[1]).Distinct().Count() > 1);
    }

    [Fact]
    public async Task D15_Answer_KeepsItsRecords_NeverAuthoritative_WithTheClientsSpelling()
    {
        await using var server = new ScriptedNameServer(query =>
        {
            var answer = Answer(query, flags: 0x8500, address: "192.0.2.1"); // AA, no RA
            answer[13] = (byte)'W';
            answer[11] = 1;
            return [[.. answer, .. Name("extra"), .. Words(DnsType.A, 1, 0, 5, 4), 192, 0, 2, 9]];
        });
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [server.Address]);

        var reply = await dns.AskAsync(Query(Name));

        Assert.Equal($"{Name} 1 1", reply.Question);
        Assert.Equal(0x8180, reply.Flags);
        Assert.Equal([$"{Name} 60 A 192.0.2.1"], reply.Answers);
        Assert.Equal(["extra 5 A 192.0.2.9"], reply.Additionals);
    }

    [Fact]
    public async Task D15_RealServer_KnownUnknownAndNoData()
    {
        await using var dnsmasq = await Dnsmasq.StartAsync("--host-record=known.example.com,192.0.2.1", Token);
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [dnsmasq.Address]);

        var known = await dns.DigAsync("known.example.com");
        var noData = await dns.DigAsync("known.example.com", "AAAA");
        var unknown = await dns.DigAsync("missing.example.com");

        Assert.Contains("known.example.com.\t0\tIN\tA\t192.0.2.1", known, StringComparison.Ordinal);
        Assert.Contains("flags: qr rd ra;", known, StringComparison.Ordinal); // not aa, which dnsmasq says
        Assert.Contains("OPT PSEUDOSECTION", known, StringComparison.Ordinal);
        Assert.Contains("status: NOERROR", noData, StringComparison.Ordinal);
        Assert.Contains("ANSWER: 0", noData, StringComparison.Ordinal);
        Assert.Contains("status: NXDOMAIN", unknown, StringComparison.Ordinal);
        Assert.Contains("192.0.2.1", await dns.DigAsync("+tcp", "known.example.com"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task D7_NegativeAnswer_KeepsItsAuthority()
    {
        // Without the SOA nobody can tell how long the name stays away; RFC 2308.
        await using var server = new ScriptedNameServer(query =>
        {
            var answer = Answer(query, flags: 0x8183);
            answer[9] = 1;
            return [[.. answer, 0, .. Words(6, 1, 0, 60, 22), 0, 0, .. new byte[20]]];
        });
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [server.Address]);

        var reply = await dns.AskAsync(Query(Name));

        Assert.Equal(3, reply.Code);
        Assert.Single(reply.Authorities);
    }

    [Fact]
    public async Task Update_IsForwarded_NsupdateGetsTheServersWord()
    {
        await using var server = new ScriptedNameServer(query => [Answer(query, flags: 0xa805)]); // REFUSED
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [server.Address]);
        var script = string.Create(CultureInfo.InvariantCulture, $"""
            server {dns.Address.Address} {dns.Address.Port}
            zone example.com
            update add new.example.com 60 A 192.0.2.7
            send

            """);

        var result = await ChildProcess.RunAsync(
            new ProcessSpec("nsupdate", "-r", "0", "-t", "10") { Input = script }, DnsFixture.Limit, Token);

        Assert.Contains("update failed: REFUSED", result.Error, StringComparison.Ordinal);
        Assert.Contains(server.Queries, query => (query[2] & 0x78) == 5 << 3);
    }

    [Fact]
    public async Task Notify_IsForwarded()
    {
        await using var server = new ScriptedNameServer(query => [Answer(query, flags: 0xa000)]);
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [server.Address]);

        var reply = await dns.AskAsync(Query("example.com", 6, flags: 4 << 11));

        Assert.Equal((0, 4), (reply.Code, (reply.Flags >> 11) & 0xf));
    }

    [Theory]
    [InlineData((ushort)1, (ushort)3)]      // class CH
    [InlineData((ushort)28, (ushort)255)]   // class ANY
    [InlineData((ushort)65_280, (ushort)1)] // a type that nobody knows
    public async Task OtherClassesAndTypes_AreForwarded(ushort type, ushort recordClass)
    {
        await using var server = ScriptedNameServer.Failing(5);
        await using var dns = new DnsFixture([DnsFixture.ClientPod, Service("echo.ns1.svc.cluster.local", "80:80", "10.0.0.1")], [server.Address]);

        Assert.Equal(5, (await dns.AskAsync(Query("echo", type, recordClass: recordClass))).Code);
    }

    [Fact]
    public async Task WrongIdAndWrongQuestion_AreNoAnswers()
    {
        await using var server = new ScriptedNameServer(query =>
        {
            var wrongId = Answer(query, address: "192.0.2.66");
            wrongId[0] ^= 1;
            var wrongName = Answer(query, address: "192.0.2.66");
            wrongName[13] ^= 3;
            var wrongType = Answer([.. query[..^3], 28, 0, 1], address: "192.0.2.66");
            var notAnAnswer = Answer(query, flags: 0x0100, address: "192.0.2.66");
            return [[1], wrongId, wrongName, wrongType, notAnAnswer, Answer(query, address: "192.0.2.1")];
        });
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [server.Address]);

        Assert.Equal([$"{Name} 60 A 192.0.2.1"], (await dns.AskAsync(Query(Name))).Answers);
    }

    [Fact]
    public async Task AnswerFromElsewhere_IsNoAnswer()
    {
        using var stranger = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        server.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [(IPEndPoint)server.LocalEndPoint!]);
        using var client = dns.Client();
        await client.SendAsync(Query(Name), Token);
        var buffer = new byte[512];
        var asked = await server.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), Token);
        var query = buffer[..asked.ReceivedBytes];

        await stranger.SendToAsync(Answer(query, address: "192.0.2.66"), asked.RemoteEndPoint, Token);
        await server.SendToAsync(Answer(query, address: "192.0.2.1"), asked.RemoteEndPoint, Token);

        Assert.Equal([$"{Name} 60 A 192.0.2.1"], new Parsed(await DnsFixture.ReceiveAsync(client)).Answers);
    }

    [Fact]
    public async Task DeadFirstServer_CostsNothing()
    {
        await using var silent = ScriptedNameServer.Silent();
        await using var alive = ScriptedNameServer.Of("192.0.2.1");
        var limits = new DnsLimits { Failover = TimeSpan.FromMinutes(10) }; // nobody waits for that
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [silent.Address, alive.Address], limits);

        for (var i = 0; i < 3; i++)
        {
            Assert.Single((await dns.AskAsync(Query(Name))).Answers);
        }

        Assert.Single(silent.Queries); // from then on the one that answers is asked alone
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public async Task RefusingServer_IsFollowedByTheNext(int code)
    {
        await using var refusing = ScriptedNameServer.Failing(code);
        await using var alive = ScriptedNameServer.Of("192.0.2.1");
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [refusing.Address, alive.Address]);

        Assert.Single((await dns.AskAsync(Query(Name))).Answers);
        Assert.Single((await dns.AskTcpAsync(Query(Name))).Answers);
    }

    [Fact]
    public async Task AllRefuse_TheFirstWordIsPassedOn()
    {
        await using var one = ScriptedNameServer.Failing(5);
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [one.Address, ClosedPort(), ClosedPort()]);

        Assert.Equal(5, (await dns.AskAsync(Query(Name))).Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task NobodyThere_IsServfailAtOnce(bool tcp)
    {
        await using var dns = new DnsFixture(
            [DnsFixture.ClientPod], [ClosedPort(), ClosedPort()], timeout: TimeSpan.FromMinutes(10));
        var query = Query(Name, ednsSize: 1232);

        var reply = tcp ? await dns.AskTcpAsync(query) : await dns.AskAsync(query);

        Assert.Equal((2, true), (reply.Code, reply.IsRecursive));
        Assert.Equal(["OPT 1232 00000000"], reply.Additionals);
    }

    [Fact]
    public async Task NoServers_IsServfail()
    {
        await using var dns = new DnsFixture([DnsFixture.ClientPod]);

        Assert.Equal(2, (await dns.AskAsync(Query(Name))).Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SilentServers_EndAtTheDeadline(bool tcp)
    {
        await using var silent = ScriptedNameServer.Silent();
        await using var dns = new DnsFixture(
            [DnsFixture.ClientPod], [silent.Address], timeout: TimeSpan.FromMilliseconds(100));

        var reply = tcp ? await dns.AskTcpAsync(Query(Name)) : await dns.AskAsync(Query(Name));

        Assert.Equal(2, reply.Code);
    }

    [Fact]
    public async Task LostDatagram_IsSentAgain()
    {
        var count = 0;
        await using var server = new ScriptedNameServer(
            query => Interlocked.Increment(ref count) < 3 ? [] : [Answer(query, address: "192.0.2.1")]);
        var limits = new DnsLimits { Failover = TimeSpan.FromMilliseconds(20) };
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [server.Address], limits);

        Assert.Single((await dns.AskAsync(Query(Name))).Answers);
    }

    [Fact]
    public async Task MalformedAnswer_IsFollowedByTheNext()
    {
        await using var broken = new ScriptedNameServer(query => [Answer(query, address: "192.0.2.66")[..^2]]);
        await using var alive = ScriptedNameServer.Of("192.0.2.1");
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [broken.Address, alive.Address]);

        Assert.Equal([$"{Name} 60 A 192.0.2.1"], (await dns.AskAsync(Query(Name))).Answers);
    }

    [Fact]
    public async Task AnswerLongerThanTheClientTakes_BecomesATruncatedOne()
    {
        await using var server = new ScriptedNameServer(
            query => [[.. Answer(query, address: "192.0.2.1"), .. new byte[1000]]]);
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [server.Address]);

        var reply = await dns.AskAsync(Query(Name));

        Assert.Equal((true, 0, $"{Name} 1 1"), (reply.IsTruncated, reply.Answers.Length, reply.Question));
    }

    [Fact]
    public async Task TruncatedAnswer_IsPassedOnAsOne()
    {
        await using var server = new ScriptedNameServer(query => [Answer(query, flags: 0x8380)]);
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [server.Address]);

        Assert.True((await dns.AskAsync(Query(Name))).IsTruncated);
    }

    [Fact]
    public async Task ErrorWithoutQuestion_ComesWithTheClientsQuestion()
    {
        await using var server = new ScriptedNameServer(
            query => [[query[0], query[1], .. Words(0x8181, 0, 0, 0, 0)]]);
        await using var dns = new DnsFixture([DnsFixture.ClientPod], [server.Address]);

        var reply = await dns.AskAsync(Query(Name));

        Assert.Equal((1, $"{Name} 1 1"), (reply.Code, reply.Question));
    }

    [Fact]
    public async Task TooManyPending_AreServfail_AndTheMeshStillAnswers()
    {
        await using var silent = ScriptedNameServer.Silent();
        await using var dns = new DnsFixture(
            [DnsFixture.ClientPod, Service("echo.ns1.svc.cluster.local", "80:80", "10.0.0.1")],
            [silent.Address],
            new DnsLimits { PendingQueries = 2 },
            timeout: TimeSpan.FromMinutes(10));
        using var client = dns.Client();
        await client.SendAsync(Query(Name, id: 1), Token);
        await client.SendAsync(Query(Name, id: 2), Token);
        await client.SendAsync(Query(Name, id: 3), Token);

        var refused = new Parsed(await DnsFixture.ReceiveAsync(client));

        Assert.Equal((3, 2), (refused.Id, refused.Code));
        Assert.Single((await dns.AskAsync(Query("echo"))).Answers);
    }

    /// <summary>A port of loopback that nobody listens on.</summary>
    private static IPEndPoint ClosedPort() => new(IPAddress.Parse("127.77.77.77"), 9);
}
