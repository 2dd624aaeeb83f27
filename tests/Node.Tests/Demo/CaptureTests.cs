using System.Net;
using System.Net.Sockets;
using Redirection.Rules;
using Ztunnel.Demo;

namespace Node.Tests.Demo;

public sealed class CaptureTests
{
    private const int Port = 7000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(RuleBackend.Nftables)]
    [InlineData(RuleBackend.Iptables)]
    public async Task CapturedPod_WithoutProxy_IsClosedInBothDirectionsAndFamilies(RuleBackend backend)
    {
        await using var topology = await Topology.CreateAsync(new TopologyOptions(), Token);
        var node = await topology.AddNodeAsync("node", Token);
        var (captured, plain) = (
            await topology.AddPodAsync(node, "captured", Token), await topology.AddPodAsync(node, "plain", Token));
        using var inCaptured = captured.Listen(Port);
        using var inPlain = plain.Listen(Port);
        await ConnectAsync(captured, plain.IPv4);
        await ConnectAsync(plain, captured.IPv6!);

        await captured.CaptureAsync(Token, backend);

        foreach (var (from, to) in new[]
        {
            (captured, plain.IPv4),
            (captured, plain.IPv6!),
            (plain, captured.IPv4),
            (plain, captured.IPv6!),
        })
        {
            var e = await Assert.ThrowsAsync<SocketException>(() => ConnectAsync(from, to));
            Assert.Equal(SocketError.ConnectionRefused, e.SocketErrorCode);
        }

        await ConnectAsync(captured, captured.IPv4);
        await ConnectAsync(captured, IPAddress.Loopback);
    }

    private static async Task ConnectAsync(Pod from, IPAddress to)
    {
        using var socket = await from.ConnectAsync(to, Port, Token);
    }
}
