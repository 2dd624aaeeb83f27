using System.Net.Sockets;
using Ztunnel.Dns;
using static Ztunnel.Tests.Dns.Messages;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Dns;

/// <summary>The stop of one pod's DNS: node-integration 9.2, point 3.</summary>
public sealed class DnsDrainTests
{
    private static readonly object[] Mesh =
        [DnsFixture.ClientPod, Service("echo.ns1.svc.cluster.local", "80:80", "10.0.0.1")];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Drain_AnswersForAMoment_ThenCloses()
    {
        var time = new Identity.ManualTime();
        await using var dns = new DnsFixture(Mesh, time: time);
        await dns.Drain.StartAsync();
        var drained = dns.Proxy.WhenDrainedAsync();

        Assert.Single((await dns.AskAsync(Query("echo"))).Answers);
        Assert.False(drained.IsCompleted);
        await AdvanceUntilAsync(time, drained);

        using var late = dns.Client();
        await late.SendAsync(Query("echo"), Token);
        await Assert.ThrowsAsync<SocketException>(() => late.ReceiveAsync(new byte[1], Token).AsTask());
    }

    [Fact]
    public async Task Drain_DatagramsReceivedBefore_AreAllAnswered()
    {
        await using var dns = new DnsFixture(Mesh, limits: new DnsLimits { DrainMoment = TimeSpan.Zero });
        using var client = dns.Client();
        for (var i = 0; i < 100; i++)
        {
            await client.SendAsync(Query("echo", id: (ushort)i), Token);
        }

        await dns.Drain.StartAsync();
        await dns.Proxy.WhenDrainedAsync().WaitAsync(DnsFixture.Limit, Token);

        var answered = new HashSet<int>();
        for (var i = 0; i < 100; i++)
        {
            answered.Add(new Parsed(await DnsFixture.ReceiveAsync(client)).Id);
        }

        Assert.Equal(100, answered.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Drain_WaitsForQueriesOnTheirWay(bool tcp)
    {
        var asked = new TaskCompletionSource();
        var release = new ManualResetEventSlim();
        await using var server = new ScriptedNameServer(query =>
        {
            asked.TrySetResult();
            release.Wait(DnsFixture.Limit, Token);
            return [Answer(query, address: "192.0.2.1")];
        });
        await using var dns = new DnsFixture(
            Mesh, [server.Address], new DnsLimits { DrainMoment = TimeSpan.Zero, Failover = DnsFixture.Limit });
        var query = Query("www.example.com");
        var asking = tcp ? dns.AskTcpAsync(query) : dns.AskAsync(query);
        await asked.Task;

        await dns.Drain.StartAsync();
        var drained = dns.Proxy.WhenDrainedAsync();
        Assert.False(drained.IsCompleted);
        release.Set();

        Assert.Single((await asking).Answers);
        await drained.WaitAsync(DnsFixture.Limit, Token);
    }

    [Fact]
    public async Task Drain_IdleConnection_IsClosedAtOnce()
    {
        await using var dns = new DnsFixture(Mesh, limits: new DnsLimits { Idle = TimeSpan.FromMinutes(10) });
        await using var stream = await dns.ConnectAsync();
        await DnsFixture.SendAsync(stream, Query("echo"));
        await DnsFixture.ReadAsync(stream);

        await dns.Drain.StartAsync();

        Assert.Equal(0, await stream.ReadAsync(new byte[1], Token).AsTask().WaitAsync(DnsFixture.Limit, Token));
    }

    [Fact]
    public async Task Forced_EndsEverythingAtOnce()
    {
        await using var silent = ScriptedNameServer.Silent();
        await using var dns = new DnsFixture(Mesh, [silent.Address], timeout: TimeSpan.FromMinutes(10));
        using var client = dns.Client();
        await client.SendAsync(Query("www.example.com"), Token);
        await using var stream = await dns.ConnectAsync();
        await DnsFixture.SendAsync(stream, Query("www.example.com"));
        await Waiting.UntilAsync(() => silent.Queries.Count >= 2, Token);

        await dns.Drain.StartAsync();
        await dns.Drain.ForceAsync();

        await dns.Proxy.WhenDrainedAsync().WaitAsync(DnsFixture.Limit, Token);
    }

    // The loop that waits may not have its timer yet.
    private static Task AdvanceUntilAsync(Identity.ManualTime time, Task end) => Waiting.UntilAsync(
        () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return end.IsCompleted;
        },
        Token);
}
