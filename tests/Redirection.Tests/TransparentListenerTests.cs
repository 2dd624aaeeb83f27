using System.Net;
using System.Net.Sockets;
using Redirection.Tests.Support;

namespace Redirection.Tests;

public sealed class TransparentListenerTests
{
    private const uint Mark = 1337;
    private const int TcpLevel = 6;
    private const int TcpCongestion = 13;
    private const int TcpUserTimeout = 18;

    private static readonly IPEndPoint AnyPort = new(IPAddress.IPv6Any, 0);

    [Fact]
    public async Task D8_SharedMode_ListenerAndWhatItAcceptsCarryTheMark()
    {
        using var pair = new PodPair();
        using var listener = TransparentListener.Open(
            new ListenerOptions(AnyPort, Mark, true, null, ListenerOptions.SharedBacklog), pair.Pod);
        using var client = await pair.Peer.ConnectAsync(
            new IPEndPoint(PodPair.PodAddress(ipv6: false), listener.LocalEndPoint.Port));
        using var accepted = await listener.Socket.AcceptWithinLimitAsync();

        Assert.Equal((int)Mark, listener.Socket.ReadMark());
        Assert.Equal((int)Mark, accepted.ReadMark());
        Assert.True(listener.IsTransparent);
        Assert.True(accepted.IsTransparent());
        Assert.Null(listener.Warning);
    }

    [Fact]
    public void D8_ReusePort_IsSetOnlyWhenEnabled()
    {
        using var shared = TransparentListener.Open(new ListenerOptions(AnyPort, null, true, false, 1));
        using var alone = TransparentListener.Open(new ListenerOptions(AnyPort, null, false, false, 1));

        Assert.Equal(1, shared.Socket.ReadReusePort());
        Assert.Equal(0, alone.Socket.ReadReusePort());
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0u)]
    public void Open_NoMark_LeavesPacketsUnmarked(uint? mark)
    {
        using var listener = TransparentListener.Open(new ListenerOptions(AnyPort, mark, false, false, 1));

        Assert.Equal(0, listener.Socket.ReadMark());
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(null, true)]
    public void Open_WithTheRight_IsTransparentUnlessTurnedOff(bool? asked, bool expected)
    {
        Root.Require();
        using var listener = TransparentListener.Open(new ListenerOptions(AnyPort, null, false, asked, 1));

        Assert.Equal(expected, listener.IsTransparent);
        Assert.Equal(expected, listener.Socket.IsTransparent());
    }

    [Fact]
    public void Open_TwoWithReusePort_ShareThePort()
    {
        using var first = TransparentListener.Open(new ListenerOptions(AnyPort, null, true, false, 1));
        using var second = TransparentListener.Open(
            new ListenerOptions(first.LocalEndPoint, null, true, false, 1));

        Assert.Equal(first.LocalEndPoint, second.LocalEndPoint);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task D8_Keepalive_IsInheritedByWhatIsAccepted(bool ipv6)
    {
        using var pair = new PodPair();
        var keepalive = new KeepaliveOptions
        {
            Time = TimeSpan.FromSeconds(21),
            Interval = TimeSpan.FromSeconds(7),
            Retries = 5,
            UserTimeoutEnabled = true,
        };
        using var listener = TransparentListener.Open(
            new ListenerOptions(AnyPort, Mark, true, null, 1) { Keepalive = keepalive, IsLoopbackHop = true }, pair.Pod);
        using var client = await pair.Peer.ConnectAsync(
            new IPEndPoint(PodPair.PodAddress(ipv6), listener.LocalEndPoint.Port));
        using var accepted = await listener.Socket.AcceptWithinLimitAsync();

        Assert.True(accepted.NoDelay);
        Assert.Equal(1, (int)accepted.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive)!);
        Assert.Equal(21, (int)accepted.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime)!);
        Assert.Equal(7, (int)accepted.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval)!);
        Assert.Equal(5, (int)accepted.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount)!);
        Assert.Equal((21 + (5 * 7)) * 1000, BitConverter.ToInt32(Read(accepted, TcpUserTimeout, sizeof(int))));
        Assert.Equal(Read(listener.Socket, TcpCongestion, 16), Read(accepted, TcpCongestion, 16));
    }

    [Fact]
    public async Task D8_NoKeepalive_LeavesWhatIsAcceptedAlone()
    {
        using var pair = new PodPair();
        using var listener = TransparentListener.Open(new ListenerOptions(AnyPort, Mark, true, null, 1), pair.Pod);
        using var client = await pair.Peer.ConnectAsync(
            new IPEndPoint(PodPair.PodAddress(ipv6: false), listener.LocalEndPoint.Port));
        using var accepted = await listener.Socket.AcceptWithinLimitAsync();

        Assert.Equal(0, (int)accepted.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive)!);
    }

    [Fact]
    public void Open_PortInUse_SaysSo()
    {
        using var first = TransparentListener.Open(new ListenerOptions(AnyPort, null, false, false, 1));

        var exception = Assert.Throws<SocketException>(
            () => TransparentListener.Open(new ListenerOptions(first.LocalEndPoint, null, false, false, 1)));

        Assert.Equal("Address already in use (os error 98)", OsError.Describe(exception));
    }

    [Fact]
    public async Task Open_Ipv4Wildcard_TakesIpv4()
    {
        using var pair = new PodPair();
        using var listener = TransparentListener.Open(
            new ListenerOptions(new IPEndPoint(IPAddress.Any, 15001), Mark, true, true, 128), pair.Pod);

        using var client = await pair.Peer.ConnectAsync(new IPEndPoint(PodPair.PodAddress(ipv6: false), 15001));
        using var accepted = await listener.Socket.AcceptWithinLimitAsync();

        Assert.Equal(AddressFamily.InterNetwork, accepted.AddressFamily);
    }

    [Fact]
    public async Task Dispose_WhileAnotherThreadCloses_ReturnsWithThePortFree()
    {
        using var pod = new PodPair();
        var options = new ListenerOptions(new IPEndPoint(IPAddress.IPv6Any, 15008), null, false, false, 1);
        for (var i = 0; i < 3_000; i++)
        {
            using var stop = new CancellationTokenSource();
            var listener = TransparentListener.Open(options, pod.Pod);
            var loop = Task.Run(
                async () =>
                {
                    using (listener)
                    {
                        await Assert.ThrowsAnyAsync<Exception>(async () => await listener.Socket.AcceptAsync(stop.Token));
                    }
                },
                CancellationToken.None);
            await Task.Yield();

            await stop.CancelAsync();
            listener.Dispose();

            TransparentListener.Open(options, pod.Pod).Dispose();
            await loop;
        }
    }

    private static byte[] Read(Socket socket, int option, int length)
    {
        var value = new byte[length];
        return value[..socket.GetRawSocketOption(TcpLevel, option, value)];
    }
}
