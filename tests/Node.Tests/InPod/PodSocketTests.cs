using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests.InPod;

/// <summary>
/// The proxy's sockets in its pods as the kernel sees them; node-integration 8, P1 and P4, data-path 13, D7 and D8.
/// </summary>
public sealed class PodSocketTests(TunedNodes nodes) : IClassFixture<TunedNodes>
{
    private const int SocketLevel = 1; // SOL_SOCKET
    private const int KeepAlive = 9;   // SO_KEEPALIVE
    private const int ReusePort = 15;  // SO_REUSEPORT
    private const int Mark = 36;       // SO_MARK
    private const int Tcp = 6;         // SOL_TCP
    private const int KeepIdle = 4;    // TCP_KEEPIDLE
    private const int KeepInterval = 5;
    private const int KeepCount = 6;
    private const int UserTimeout = 18;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task P1_D8_Listeners_AreMarkedAndShareTheirPorts()
    {
        foreach (var (pod, node) in Pods())
        {
            foreach (var port in (int[])[15001, 15006, 15008, 15053])
            {
                await CheckAsync(node, pod, FormattableString.Invariant($"state listening sport = {port}"), socket =>
                {
                    Assert.Equal(1337, socket.Option(SocketLevel, Mark));
                    Assert.Equal(1, socket.Option(SocketLevel, ReusePort));
                });
            }
        }
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task P1_D7_D8_Connections_AreMarkedAndWatchedAndOutgoingOnesShareNoPort(AddressFamily family)
    {
        await using var tunnelled = PodServer.Start(nodes.Remote.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        await using var plain = PodServer.Start(nodes.Remote.Pod, TwoNodes.OpenPort, PodServer.EchoTwiceAsync);
        using var first = await nodes.Client.ConnectAsync(nodes.Remote, family, TwoNodes.EchoPort, Token);
        await EchoCalls.ExchangeAsync(first);
        using var second = await nodes.Plain.ConnectAsync(nodes.Remote, family, TwoNodes.OpenPort, Token);
        await EchoCalls.ExchangeAsync(second);

        await CheckAsync(nodes.Near, nodes.Client, "state established sport = 15001", AssertWatched);
        await CheckAsync(nodes.Near, nodes.Client, "state established dport = 15008", AssertOutgoing);
        await CheckAsync(nodes.Far, nodes.Remote, "state established sport = 15006", AssertWatched);
        await CheckAsync(nodes.Far, nodes.Remote, "state established sport = 15008", AssertWatched);
        foreach (var port in (int[])[TwoNodes.EchoPort, TwoNodes.OpenPort])
        {
            await CheckAsync(
                nodes.Far, nodes.Remote, FormattableString.Invariant($"state established dport = {port}"), AssertOutgoing);
        }
    }

    [Fact]
    public async Task P4_LoopbackWithoutIpv6_DnsIsOnTheOtherLoopbackOnly()
    {
        var pod = await nodes.AddPodAsync(nodes.Near, "half", "default", "half");
        (await pod.Pod.Namespace.RunAsync(
            new ProcessSpec("sysctl", "-q", "-w", "net.ipv6.conf.lo.disable_ipv6=1"), Token)).Succeeded();

        await nodes.Near.EnrolAsync(pod, Token);
        try
        {
            Assert.Equal(["127.0.0.1:15053", "127.0.0.1:15053"], await DnsSocketsAsync(pod)); // TCP and UDP
            Assert.Equal(
                ["127.0.0.1:15053", "127.0.0.1:15053", "[::1]:15053", "[::1]:15053"], await DnsSocketsAsync(nodes.Client));
        }
        finally
        {
            await nodes.Near.WithdrawAsync(pod, Token);
        }
    }

    private static void AssertOutgoing(Socket socket)
    {
        AssertWatched(socket);
        Assert.Equal(0, socket.Option(SocketLevel, ReusePort));
    }

    private static void AssertWatched(Socket socket)
    {
        Assert.Equal(1337, socket.Option(SocketLevel, Mark));
        Assert.Equal(1, socket.Option(SocketLevel, KeepAlive));
        Assert.Equal(61, socket.Option(Tcp, KeepIdle));
        Assert.Equal(31, socket.Option(Tcp, KeepInterval));
        Assert.Equal(3, socket.Option(Tcp, KeepCount));
        Assert.Equal((61 + (3 * 31)) * 1000, socket.Option(Tcp, UserTimeout)); // milliseconds
    }

    private static async Task CheckAsync(ServedNode node, MeshPod pod, string filter, Action<Socket> check)
    {
        var sockets = await ProcessSockets.OfAsync(node.Proxy.Process, pod.Pod.Namespace, filter, Token);
        try
        {
            Assert.True(sockets.Count > 0, $"{pod.Pod.Name}: no socket with {filter}");
            Assert.All(sockets, check);
        }
        finally
        {
            foreach (var socket in sockets)
            {
                socket.Dispose();
            }
        }
    }

    private static async Task<string[]> DnsSocketsAsync(MeshPod pod)
    {
        var lines = (await pod.Pod.Namespace.RunAsync(new ProcessSpec("ss", "-Htuln", "sport", "=", "15053"), Token))
            .Succeeded().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return
        [
            .. lines.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4]).Order(StringComparer.Ordinal),
        ];
    }

    private (MeshPod Pod, ServedNode Node)[] Pods() =>
    [
        (nodes.Client, nodes.Near), (nodes.Twin, nodes.Near), (nodes.Local, nodes.Near), (nodes.Remote, nodes.Far),
    ];
}
