using System.Net.Sockets;
using Ztunnel.Dns;
using Ztunnel.Dns.Wire;
using static Ztunnel.Tests.Dns.Messages;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Dns;

/// <summary>TCP clients of all kinds: RFC 1035 §4.2.2, RFC 7766.</summary>
public sealed class TcpConnectionTests
{
    private static readonly object[] Mesh =
    [
        DnsFixture.ClientPod,
        Service("echo.ns1.svc.cluster.local", "80:80", "10.0.0.1"),
        Service("large.com", "80:80", [.. Enumerable.Range(0, 4000).Select(i => $"240.0.{i / 250}.{i % 250}")]),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pipelined_AreAllAnswered_TheQuickOnesFirst()
    {
        var release = new ManualResetEventSlim();
        await using var server = new ScriptedNameServer(query =>
        {
            release.Wait(DnsFixture.Limit, Token);
            return [Answer(query, address: "192.0.2.1")];
        });
        await using var dns = new DnsFixture(Mesh, [server.Address]);
        await using var stream = await dns.ConnectAsync();

        await DnsFixture.SendAsync(stream, Query("www.example.com", id: 1));
        await DnsFixture.SendAsync(stream, Query("echo", id: 2));
        var first = await DnsFixture.ReadAsync(stream);
        release.Set();
        var second = await DnsFixture.ReadAsync(stream);

        Assert.Equal((2, 1), (first.Id, second.Id));
        Assert.Single(second.Answers);
    }

    [Fact]
    public async Task ManyPipelined_BeyondTheLimit_AreReadAsAnswersLeave()
    {
        await using var dns = new DnsFixture(Mesh, limits: new DnsLimits { PendingPerConnection = 2 });
        await using var stream = await dns.ConnectAsync();

        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < 500; i++)
            {
                await DnsFixture.SendAsync(stream, Query("echo", id: (ushort)i));
            }
        }, Token);
        var ids = new HashSet<int>();
        for (var i = 0; i < 500; i++)
        {
            ids.Add((await DnsFixture.ReadAsync(stream)).Id);
        }

        await writing;
        Assert.Equal(500, ids.Count);
    }

    [Fact]
    public async Task HalfClosedClient_GetsWhatItAskedFor()
    {
        await using var server = ScriptedNameServer.Of("192.0.2.1");
        await using var dns = new DnsFixture(Mesh, [server.Address]);
        await using var stream = await dns.ConnectAsync();
        await DnsFixture.SendAsync(stream, Query("www.example.com"));
        stream.Socket.Shutdown(SocketShutdown.Send);

        Assert.Single((await DnsFixture.ReadAsync(stream)).Answers);
        Assert.Equal(0, await stream.ReadAsync(new byte[1], Token));
    }

    [Fact]
    public async Task ByteByByte_IsOneQuery()
    {
        await using var dns = new DnsFixture(Mesh);
        await using var stream = await dns.ConnectAsync();
        var query = Query("echo");
        foreach (var octet in (byte[])[.. Words((ushort)query.Length), .. query])
        {
            await stream.WriteAsync(new[] { octet }, Token);
        }

        Assert.Single((await DnsFixture.ReadAsync(stream)).Answers);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(10)]
    public async Task IdleOrSlowClient_IsClosed(int octets)
    {
        await using var dns = new DnsFixture(Mesh, limits: new DnsLimits { Idle = TimeSpan.FromMilliseconds(100) });
        await using var stream = await dns.ConnectAsync();
        await stream.WriteAsync(((byte[])[0, 40, .. new byte[40]]).AsMemory(0, octets), Token);

        await AssertClosedAsync(stream);
    }

    [Fact]
    public async Task ClientWaitingForAnAnswer_IsNotIdle()
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
            Mesh, [server.Address], new DnsLimits { Idle = TimeSpan.FromMilliseconds(20) });
        await using var stream = await dns.ConnectAsync();
        await DnsFixture.SendAsync(stream, Query("www.example.com"));
        await asked.Task;
        await using (var other = await dns.ConnectAsync())
        {
            await AssertClosedAsync(other); // so the limit has passed for the first one, too
        }

        release.Set();

        Assert.Single((await DnsFixture.ReadAsync(stream)).Answers);
    }

    [Fact]
    public async Task ClientThatDoesNotRead_IsCut()
    {
        await using var dns = new DnsFixture(Mesh, limits: new DnsLimits { Write = TimeSpan.FromMilliseconds(100) });
        await using var stream = await dns.ConnectAsync();
        stream.Socket.ReceiveBufferSize = 4096;

        // 64 KiB each, so a few hundred fill every buffer on the way; then our side fails.
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            for (var i = 0; i < 1_000_000; i++)
            {
                await DnsFixture.SendAsync(stream, Query("large.com", id: (ushort)i));
            }
        });
        Assert.Single((await dns.AskTcpAsync(Query("echo"))).Answers);
    }

    [Fact]
    public async Task LongestMessage_IsCutToWholeRecords()
    {
        object[] mesh =
        [
            DnsFixture.ClientPod,
            Service("huge.com", "80:80", [.. Enumerable.Range(0, 5000).Select(i => $"240.0.{i / 250}.{i % 250}")]),
        ];
        await using var dns = new DnsFixture(mesh);

        var reply = await dns.AskTcpAsync(Query("huge.com", ednsSize: 1232));

        Assert.True(reply.IsTruncated);
        Assert.Equal((65_535 - 12 - 14 - 11) / 16, reply.Answers.Length);
        Assert.Equal(["OPT 1232 00000000"], reply.Additionals);
    }

    [Fact]
    public async Task NullQuery_IsIgnoredAndTheNextOneAnswered()
    {
        await using var dns = new DnsFixture(Mesh);
        await using var stream = await dns.ConnectAsync();
        await DnsFixture.SendAsync(stream, []);
        await DnsFixture.SendAsync(stream, Query("echo", id: 7));

        Assert.Equal(7, (await DnsFixture.ReadAsync(stream)).Id);
    }

    [Fact]
    public async Task TooManyConnections_AreClosed_UntilOneIsOver()
    {
        await using var dns = new DnsFixture(
            Mesh, limits: new DnsLimits { Connections = 1, Idle = TimeSpan.FromMinutes(10) });
        await using (var first = await dns.ConnectAsync())
        {
            await DnsFixture.SendAsync(first, Query("echo"));
            await DnsFixture.ReadAsync(first);
            await using var second = await dns.ConnectAsync();
            await AssertClosedAsync(second);
        }

        await Waiting.UntilAsync(() => CanAskAsync(dns).GetAwaiter().GetResult(), Token);
    }

    private static async Task<bool> CanAskAsync(DnsFixture dns)
    {
        try
        {
            return (await dns.AskTcpAsync(Query("echo"))).Code == (int)DnsCode.NoError;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async Task AssertClosedAsync(NetworkStream stream)
    {
        try
        {
            Assert.Equal(0, await stream.ReadAsync(new byte[1], Token).AsTask().WaitAsync(DnsFixture.Limit, Token));
        }
        catch (IOException)
        {
            // A reset closes as well.
        }
    }
}
