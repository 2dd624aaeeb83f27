using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Proxy;

namespace Ztunnel.Tests.InPod;

/// <summary>A pod that has its part of the connections, beside one that has not.</summary>
public sealed class PodAdmissionInPodTests : IDisposable
{
    private readonly ScriptedAgent _agent = new();

    public void Dispose() => _agent.Dispose();

    [Fact]
    public async Task FullPod_IsRefusedAndOthersAreNot()
    {
        await using var node = new NodeFixture(_agent, new ProxyOptions { PodMaxConnections = 4 });
        using var greedy = new TestNetns();
        using var modest = new TestNetns();
        using var agent = await node.OpenAsync();
        Assert.Empty(await agent.AskAsync(AgentConnection.AddBytes("greedy", "greedy"), greedy.Handle));
        Assert.Empty(await agent.AskAsync(AgentConnection.AddBytes("modest", "modest"), modest.Handle));
        var held = new List<Socket>();
        try
        {
            // Nothing is said on them, so they wait for a TLS handshake.
            for (var i = 0; i < 4; i++)
            {
                held.Add(await ConnectAsync(greedy));
            }

            await Waiting.UntilAsync(() => ConnectionsOf(node, "greedy") == 4, Token);
            for (var i = 0; i < 10; i++)
            {
                await BeRefusedAsync(greedy);
            }

            held.Add(await ConnectAsync(modest));
            await Waiting.UntilAsync(() => ConnectionsOf(node, "modest") == 1, Token);

            Assert.Equal(10, RefusedOf(node, "greedy"));
            Assert.Equal(0, RefusedOf(node, "modest"));
            Assert.Equal(
                "inbound connection of pod sa.default (greedy) refused: 4 are open (POD_MAX_CONNECTIONS)",
                Assert.Single(node.Log.LinesOf<AcceptLoop>(LogLevel.Warning)));
        }
        finally
        {
            held.ForEach(socket => socket.Dispose());
        }

        await Waiting.UntilAsync(() => ConnectionsOf(node, "greedy") == 0, Token);
        using var again = await ConnectAsync(greedy);
        await Waiting.UntilAsync(() => ConnectionsOf(node, "greedy") == 1, Token);
    }

    [Fact]
    public async Task FastPod_IsRefusedUntilTimeHasPassed()
    {
        await using var node = new NodeFixture(_agent, new ProxyOptions { PodMaxConnectionRate = 2 });
        using var pod = new TestNetns();
        using var agent = await node.OpenAsync();
        Assert.Empty(await agent.AddAsync("u", pod.Handle));
        for (var i = 0; i < 2; i++)
        {
            using (await ConnectAsync(pod))
            {
                await Waiting.UntilAsync(() => ConnectionsOf(node, "pod") == 1, Token);
            }

            await Waiting.UntilAsync(() => ConnectionsOf(node, "pod") == 0, Token);
        }

        for (var i = 0; i < 3; i++)
        {
            await BeRefusedAsync(pod);
        }

        node.Time.Advance(TimeSpan.FromSeconds(1));
        using var later = await ConnectAsync(pod);
        await Waiting.UntilAsync(() => ConnectionsOf(node, "pod") == 1, Token);

        Assert.Equal(3, RefusedOf(node, "pod"));
        Assert.Contains(
            "more than 2 a second (POD_MAX_CONNECTION_RATE)",
            Assert.Single(node.Log.LinesOf<AcceptLoop>(LogLevel.Warning)),
            StringComparison.Ordinal);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task<Socket> ConnectAsync(TestNetns pod)
    {
        var socket = pod.Netns.CreateTcpSocket(AddressFamily.InterNetwork);
        await socket.ConnectAsync(IPAddress.Loopback, 15008, Token);
        return socket;
    }

    // The reset may be there before the connection is.
    private static async Task BeRefusedAsync(TestNetns pod)
    {
        var error = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            using var socket = await ConnectAsync(pod);
            await socket.ReceiveAsync(new byte[1], Token);
        });
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    private static long ConnectionsOf(NodeFixture node, string pod) => node.PodSample("ztunnel_pod_connections", pod);

    private static long RefusedOf(NodeFixture node, string pod) =>
        node.PodSample("ztunnel_pod_refused_connections_total", pod);
}
