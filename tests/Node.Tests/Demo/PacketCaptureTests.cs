using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests.Demo;

public sealed class PacketCaptureTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Capture_FindsWhatPassedTheNodeLinkAndNothingElse()
    {
        await using var topology = await Topology.CreateAsync(new TopologyOptions(), Token);
        var (near, far) = (await topology.AddNodeAsync("near", Token), await topology.AddNodeAsync("far", Token));
        var client = await topology.AddPodAsync(near, "client", Token);
        var server = await topology.AddPodAsync(far, "server", Token);
        await using var echo = PodServer.Start(server, 7000, PodServer.EchoTwiceAsync);
        var file = Path.Combine(topology.Folder, "wire.pcap");

        await using var capture = await PacketCapture.StartAsync(topology.Switch, near.SwitchPort, file, Token);
        using var socket = await client.ConnectAsync(server.IPv4, 7000, Token);
        await socket.SendTextAsync("plain words", Token);
        Assert.Equal("plain wordsplain words", await socket.ReceiveTextAsync(22, Token));
        socket.Shutdown(SocketShutdown.Send);

        await capture.WaitUntilContainsAsync("plain wordsplain words", Token);
        Assert.False(capture.Contains("other words"));
    }
}
