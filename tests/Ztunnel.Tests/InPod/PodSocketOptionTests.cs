using System.Net;
using System.Net.Sockets;
using Redirection;
using Ztunnel.Config;
using Ztunnel.Proxy;

namespace Ztunnel.Tests.InPod;

/// <summary>Node-integration 2.1: options of sockets in a pod.</summary>
public sealed class PodSocketOptionTests
{
    private const int SocketLevel = 1; // SOL_SOCKET
    private const int Mark = 36;       // SO_MARK
    private const int ReusePort = 15;  // SO_REUSEPORT

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void P1_D8_Listeners_AreMarkedAndSharePortsOnlyWhenAllowed(bool reuse)
    {
        using var pod = new TestNetns();

        using var listeners = PodListeners.Bind(new ProxyOptions { InPodPortReuse = reuse }, pod.Netns);

        TransparentListener[] all = [listeners.Inbound, listeners.Plaintext!, listeners.Outbound!];
        Assert.All(all, listener => Assert.Equal(1337, Option(listener.Socket, Mark)));
        Assert.All(all, listener => Assert.Equal(reuse ? 1 : 0, Option(listener.Socket, ReusePort)));
    }

    [Fact]
    public async Task P1_D8_OutgoingSockets_AreMarkedAndShareNoPort()
    {
        using var pod = new TestNetns();
        using var listener = pod.Occupy(8080);
        var options = UpstreamSockets.For(new ProxyOptions());

        using var socket = await new UpstreamConnector(pod.Netns).ConnectAsync(
            new IPEndPoint(IPAddress.Loopback, 8080), sourceToPreserve: null, options, TestContext.Current.CancellationToken);

        Assert.Equal(1337, Option(socket, Mark));
        Assert.Equal(0, Option(socket, ReusePort));
    }

    [Fact]
    public void P4_LoopbackWithoutIpv6_ListenersAreBound()
    {
        using var pod = new TestNetns();
        pod.Netns.Run(() => File.WriteAllText("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "1"));

        using var listeners = PodListeners.Bind(new ProxyOptions(), pod.Netns);

        Assert.Equal([15001, 15006, 15008], pod.ListeningPorts());
    }

    private static int Option(Socket socket, int name)
    {
        var value = new byte[sizeof(int)];
        socket.GetRawSocketOption(SocketLevel, name, value);
        return BitConverter.ToInt32(value);
    }
}
