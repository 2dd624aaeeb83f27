using System.Net;
using Redirection.Tests.Support;

namespace Redirection.Tests;

public sealed class OriginalDestinationTests : IDisposable
{
    // Namespaces without any rule: nothing is tracked, so the system knows no original destination.
    private readonly PodPair _pair = new();

    public void Dispose() => _pair.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TryRead_NothingTracked_IsTheLocalAddressAndBothErrors(bool ipv6)
    {
        using var listener = Listen(transparent: false);
        using var client = await _pair.Peer.ConnectAsync(new IPEndPoint(PodPair.PodAddress(ipv6), 15001));
        using var accepted = await listener.Socket.AcceptWithinLimitAsync();

        Assert.False(OriginalDestination.TryRead(accepted, out var destination, out var failure));

        Assert.Equal(new IPEndPoint(PodPair.PodAddress(ipv6), 15001), destination);
        Assert.Equal(
            "failed to read SO_ORIGINAL_DST: No such file or directory (os error 2), No such file or directory (os error 2)",
            failure);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TryRead_NothingTrackedOnTransparentSocket_IsTheLocalAddress(bool ipv6)
    {
        using var listener = Listen(transparent: true);
        using var client = await _pair.Peer.ConnectAsync(new IPEndPoint(PodPair.PodAddress(ipv6), 15001));
        using var accepted = await listener.Socket.AcceptWithinLimitAsync();

        Assert.True(OriginalDestination.TryRead(accepted, out var destination, out var failure));

        Assert.Equal(new IPEndPoint(PodPair.PodAddress(ipv6), 15001), destination);
        Assert.Null(failure);
    }

    private TransparentListener Listen(bool transparent) => TransparentListener.Open(
        new ListenerOptions(new IPEndPoint(IPAddress.IPv6Any, 15001), null, false, transparent, 1), _pair.Pod);
}
