using System.Net;
using System.Net.Sockets;
using Redirection.Tests.Support;

namespace Redirection.Tests;

/// <summary>Handing a shared UDP address over: node-integration 9.2, mechanisms a and b.</summary>
public sealed class DatagramPortGroupTests : IDisposable
{
    private const int Port = 15053;

    private readonly PodPair _pair = new();

    public void Dispose() => _pair.Dispose();

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task TrySteerToNewest_Successor_GetsAllThatComes_AndTheRestAfterwards(string address)
    {
        var target = new IPEndPoint(IPAddress.Parse(address), Port);
        using var old = Bind(target);
        using var successor = Bind(target);

        Assert.True(DatagramPortGroup.TrySteerToNewest(old, _pair.Pod));
        await SendAsync(target, 50);
        Assert.Equal((0, 50), (Read(old), Read(successor)));

        old.Dispose();
        await SendAsync(target, 50);
        Assert.Equal(50, Read(successor));
    }

    [Fact]
    public async Task TrySteerToNewest_Alone_ChangesNothing()
    {
        var target = new IPEndPoint(IPAddress.Loopback, Port);
        using var only = Bind(target);
        using var otherAddress = Bind(new IPEndPoint(PodPair.PodAddress(ipv6: false), Port));

        Assert.False(DatagramPortGroup.TrySteerToNewest(only, _pair.Pod));
        await SendAsync(target, 10);

        Assert.Equal(10, Read(only));
    }

    [Theory]
    [InlineData("127.0.0.1", "10.9.8.7")]
    [InlineData("::1", "fd00:9::7")]
    public void CountMembers_ManyAreBound_CountsThoseOfTheAddress(string address, string other)
    {
        // More than one packet of the kernel holds; others at the port, at the address, and of the other family.
        var target = new IPEndPoint(IPAddress.Parse(address), Port);
        _pair.RunInPod($"ip address add {other} dev lo");
        Assert.Equal(0, Count(target));
        var members = Enumerable.Range(0, 600).Select(_ => Bind(target)).ToArray();
        using var otherAddress = Bind(new IPEndPoint(IPAddress.Parse(other), Port));
        using var otherPort = Bind(new IPEndPoint(target.Address, Port + 1));
        using var otherFamily = Bind(
            new IPEndPoint(target.AddressFamily == AddressFamily.InterNetwork ? IPAddress.IPv6Loopback : IPAddress.Loopback, Port));

        Assert.Equal(members.Length, Count(target));
        Assert.Equal(0, DatagramPortGroup.CountMembers(target, netns: null)); // our own namespace

        Array.ForEach(members, member => member.Dispose());
        Assert.Equal(0, Count(target));
    }

    [Fact]
    public void CountMembers_OneIsConnected_CountsItToo()
    {
        var target = new IPEndPoint(IPAddress.Loopback, Port);
        using var waiting = Bind(target);
        using var connected = Bind(target);
        connected.Connect(new IPEndPoint(IPAddress.Loopback, Port + 1));

        Assert.Equal(2, Count(target));
    }

    [Fact]
    public void Bind_MarkAndPort_AreThere()
    {
        using var socket = Bind(new IPEndPoint(IPAddress.Loopback, Port));

        Assert.Equal((1337, 1), (socket.ReadMark(), socket.ReadReusePort()));
    }

    [Fact]
    public void HasIpv6Loopback_FollowsTheSetting()
    {
        Assert.True(_pair.Pod.HasIpv6Loopback());

        _pair.RunInPod("sysctl -q -w net.ipv6.conf.lo.disable_ipv6=1");

        Assert.False(_pair.Pod.HasIpv6Loopback());
    }

    private Socket Bind(IPEndPoint address)
    {
        var socket = DatagramSocket.Bind(address, mark: 1337, reusePort: true, _pair.Pod, out var warning);
        Assert.Null(warning);
        return socket;
    }

    // Both ways, each of which has to do without the other; nothing comes or goes meanwhile.
    private int Count(IPEndPoint target)
    {
        var (asked, read) = _pair.Pod.Run(() => (DatagramPortGroup.AskedFor(target), DatagramPortGroup.Read(target)));
        Assert.Equal(asked, read);
        Assert.Equal(asked, DatagramPortGroup.CountMembers(target, _pair.Pod));
        return asked;
    }

    /// <summary>Each from a port of its own: the kernel spreads by both ends.</summary>
    private async Task SendAsync(IPEndPoint target, int count)
    {
        for (var i = 0; i < count; i++)
        {
            using var sender = _pair.Pod.CreateUdpSocket(target.AddressFamily);
            await sender.SendToAsync(new byte[] { 1 }, target, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Loopback delivers before a send returns.</summary>
    private static int Read(Socket socket)
    {
        var count = 0;
        for (; socket.Available > 0; count++)
        {
            socket.Receive(new byte[16]);
        }

        return count;
    }
}
