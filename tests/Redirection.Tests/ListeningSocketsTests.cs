using System.Net;
using System.Net.Sockets;
using Redirection.Tests.Support;

namespace Redirection.Tests;

public sealed class ListeningSocketsTests : IDisposable
{
    private const int Port = 15008;
    private readonly PodPair _pair = new();

    public void Dispose() => _pair.Dispose();

    [Fact]
    public void InodesAt_NobodyListens_IsEmpty()
    {
        Assert.Empty(InPod(AddressFamily.InterNetwork));
        Assert.Empty(InPod(AddressFamily.InterNetworkV6));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("0.0.0.0")]
    [InlineData("::1")]
    [InlineData("::")]
    public void InodesAt_SomeListen_NamesThoseOfFamilyAndPort(string address)
    {
        using var first = Listen(address, Port);
        using var second = Listen(address, Port);
        using var elsewhere = Listen(address, Port + 1);
        var family = IPAddress.Parse(address).AddressFamily;
        var other = family == AddressFamily.InterNetwork ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;

        Assert.Equal([.. new[] { InodeOf(first), InodeOf(second) }.Order()], InPod(family).Order());
        Assert.Empty(InPod(other));
        Assert.DoesNotContain(InodeOf(first), ListeningSockets.InodesAt(family, Port)); // our own namespace
    }

    [Fact]
    public void InodesAt_ManyListen_NamesAll()
    {
        // More than one packet of the kernel holds.
        var listeners = Enumerable.Range(0, 600).Select(_ => Listen("::", Port)).ToArray();

        Assert.Equal(listeners.Select(InodeOf).Order(), InPod(AddressFamily.InterNetworkV6).Order());

        Array.ForEach(listeners, listener => listener.Dispose());
    }

    private static long InodeOf(TransparentListener listener)
    {
        var link = new FileInfo($"/proc/self/fd/{listener.Socket.Handle}").LinkTarget!;
        return long.Parse(link["socket:[".Length..^1], System.Globalization.CultureInfo.InvariantCulture);
    }

    // Both ways, each of which has to do without the other.
    private List<long> InPod(AddressFamily family) => _pair.Pod.Run(() =>
    {
        var asked = ListeningSockets.AskedFor(family, Port);
        Assert.Equal(asked.Order(), ListeningSockets.Read(family, Port).Order());
        Assert.Equal(asked.Order(), ListeningSockets.InodesAt(family, Port).Order());
        return asked;
    });

    private TransparentListener Listen(string address, int port) => TransparentListener.Open(
        new ListenerOptions(new IPEndPoint(IPAddress.Parse(address), port), null, ReusePort: true, false, 1), _pair.Pod);
}
