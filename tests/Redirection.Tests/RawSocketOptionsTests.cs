using System.Net;
using System.Net.Sockets;
using Redirection.Tests.Support;

namespace Redirection.Tests;

public sealed class RawSocketOptionsTests
{
    [Fact]
    public async Task D7_AcceptedSocket_ShowsKeepaliveAndUserTimeout()
    {
        var options = new KeepaliveOptions
        {
            Time = TimeSpan.FromSeconds(7),
            Interval = TimeSpan.FromSeconds(3),
            Retries = 2,
            UserTimeoutEnabled = true,
        };
        using var listener = TransparentListener.Open(
            new ListenerOptions(new IPEndPoint(IPAddress.Loopback, 0), null, false, false, 1));
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint, TestContext.Current.CancellationToken);
        using var accepted = await listener.Socket.AcceptWithinLimitAsync();

        accepted.SetKeepalive(options);

        Assert.Equal(1, accepted.Read(RawSocketOptions.SolSocket, RawSocketOptions.SoKeepalive));
        Assert.Equal(7, accepted.Read(RawSocketOptions.SolTcp, RawSocketOptions.TcpKeepIdle));
        Assert.Equal(3, accepted.Read(RawSocketOptions.SolTcp, RawSocketOptions.TcpKeepInterval));
        Assert.Equal(2, accepted.Read(RawSocketOptions.SolTcp, RawSocketOptions.TcpKeepCount));
        Assert.Equal(13_000, accepted.Read(RawSocketOptions.SolTcp, RawSocketOptions.TcpUserTimeout));
    }

    [Fact]
    public void SetKeepalive_Disabled_LeavesTheSocketAlone()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        socket.SetKeepalive(new KeepaliveOptions { Enabled = false });

        Assert.Equal(0, socket.Read(RawSocketOptions.SolSocket, RawSocketOptions.SoKeepalive));
        Assert.Equal(0, socket.Read(RawSocketOptions.SolTcp, RawSocketOptions.TcpUserTimeout));
    }

    [Fact]
    public void SetKeepalive_UserTimeoutBeyondTheOption_IsCut()
    {
        var longest = TimeSpan.FromSeconds(32_767);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        socket.SetKeepalive(
            new KeepaliveOptions { Time = longest, Interval = longest, Retries = 127, UserTimeoutEnabled = true });

        Assert.Equal(int.MaxValue, socket.Read(RawSocketOptions.SolTcp, RawSocketOptions.TcpUserTimeout));
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork, RawSocketOptions.SolIp, RawSocketOptions.IpTransparent, RawSocketOptions.IpFreebind)]
    [InlineData(AddressFamily.InterNetworkV6, RawSocketOptions.SolIpv6, RawSocketOptions.Ipv6Transparent, RawSocketOptions.Ipv6Freebind)]
    public void TrySetForeignSource_EitherFamily_SetsItsOwnOptions(
        AddressFamily family, int level, int transparent, int freebind)
    {
        Root.Require();
        using var socket = new Socket(family, SocketType.Stream, ProtocolType.Tcp);

        Assert.True(socket.TrySetForeignSource(out _));

        Assert.Equal(1, socket.Read(level, transparent));
        Assert.Equal(1, socket.Read(level, freebind));
    }

    [Fact]
    public void TrySetTransparent_NoInternetSocket_SaysWhy()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

        Assert.False(socket.TrySetTransparent(out var error));

        Assert.Equal("Operation not supported (os error 95)", error.ToString());
    }
}
