using System.Net;
using Hbone.Tls;
using Ztunnel.Proxy;

namespace Ztunnel.Tests.Proxy;

public sealed class PeerLimitsTests
{
    private static readonly IPAddress One = IPAddress.Parse("10.0.0.1");
    private static readonly IPAddress Other = IPAddress.Parse("10.0.0.2");
    private static readonly SpiffeId A = new("cluster.local", "default", "a");
    private static readonly SpiffeId B = new("cluster.local", "default", "b");

    private readonly PeerLimits _limits = new(maxHandshakes: 2, maxConnections: 2);

    [Fact]
    public void Handshakes_OfOneAddress_AreLimited()
    {
        Assert.True(_limits.TryBeginHandshake(One));
        Assert.True(_limits.TryBeginHandshake(One));
        Assert.False(_limits.TryBeginHandshake(One));
        Assert.True(_limits.TryBeginHandshake(Other));

        _limits.EndHandshake(One);

        Assert.True(_limits.TryBeginHandshake(One));
    }

    [Fact]
    public void Connections_OfOneIdentityAtOneAddress_AreLimited()
    {
        Assert.True(_limits.TryAddConnection(One, A));
        Assert.True(_limits.TryAddConnection(One, A));
        Assert.False(_limits.TryAddConnection(One, A));
        Assert.True(_limits.TryAddConnection(One, B));
        Assert.True(_limits.TryAddConnection(One, null));
        Assert.True(_limits.TryAddConnection(Other, A));

        _limits.RemoveConnection(One, A);

        Assert.True(_limits.TryAddConnection(One, A));
    }
}
