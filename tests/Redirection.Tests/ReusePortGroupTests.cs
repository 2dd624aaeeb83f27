using System.Net;
using System.Net.Sockets;
using Redirection.Tests.Support;

namespace Redirection.Tests;

public sealed class ReusePortGroupTests : IDisposable
{
    private const int Connections = 40;
    private readonly PodPair _pair = new();

    public static TheoryData<string> Families => ["0.0.0.0", "::"];

    public void Dispose() => _pair.Dispose();

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Open_BesideAnother_LeavesConnectionsToItUntilItTakesOver(string any)
    {
        using var old = Listen(any, 0);
        using var young = Listen(any, old.LocalEndPoint.Port);

        await ConnectAsync(old.LocalEndPoint.Port);
        Assert.Equal((Connections, 0), (Take(old), Take(young)));

        Assert.True(young.Group!.TryTakeOver());
        await ConnectAsync(old.LocalEndPoint.Port);
        Assert.Equal((0, Connections), (Take(old), Take(young)));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task TryHandOver_ToWhoCameLater_LeavesAnEmptyQueueBehind(string any)
    {
        using var old = Listen(any, 0);
        using var young = Listen(any, old.LocalEndPoint.Port);

        Assert.True(old.Group!.TryHandOver());
        await ConnectAsync(young.LocalEndPoint.Port);

        Assert.Equal((0, Connections), (Take(old), Take(young)));
    }

    [Fact]
    public async Task TryHandOver_ToWhoCameBefore_GoesBackToIt()
    {
        using var old = Listen("::", 0);
        using var young = Listen("::", old.LocalEndPoint.Port);
        Assert.True(young.Group!.TryTakeOver());

        Assert.True(young.Group!.TryHandOver());
        await ConnectAsync(young.LocalEndPoint.Port);

        Assert.Equal((Connections, 0), (Take(old), Take(young)));
    }

    [Fact]
    public async Task TryHandOver_AfterTheOlderHasLeft_FindsTheNext()
    {
        var first = Listen("::", 0);
        using var second = Listen("::", first.LocalEndPoint.Port);
        second.Group!.TryTakeOver();
        first.Dispose();
        using var third = Listen("::", second.LocalEndPoint.Port);

        await ConnectAsync(second.LocalEndPoint.Port);
        Assert.Equal((Connections, 0), (Take(second), Take(third)));

        Assert.True(second.Group!.TryHandOver());
        await ConnectAsync(second.LocalEndPoint.Port);
        Assert.Equal((0, Connections), (Take(second), Take(third)));
    }

    [Fact]
    public void TryHandOver_Alone_SaysSo()
    {
        using var only = Listen("::", 0);

        Assert.False(only.Group!.HasOlder);
        Assert.False(only.Group!.TryTakeOver());
        Assert.False(only.Group!.TryHandOver());
    }

    private static int Take(TransparentListener listener)
    {
        listener.Socket.Blocking = false;
        var taken = 0;
        try
        {
            while (true)
            {
                listener.Socket.Accept().Dispose();
                taken++;
            }
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
        {
            return taken;
        }
    }

    private TransparentListener Listen(string any, int port) => TransparentListener.Open(
        new ListenerOptions(new IPEndPoint(IPAddress.Parse(any), port), Mark: null, ReusePort: true, Transparent: false, Backlog: 128),
        _pair.Pod);

    private async Task ConnectAsync(int port)
    {
        for (var i = 0; i < Connections; i++)
        {
            using var socket = _pair.Pod.CreateTcpSocket(AddressFamily.InterNetwork);
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), TestContext.Current.CancellationToken);
        }
    }
}
