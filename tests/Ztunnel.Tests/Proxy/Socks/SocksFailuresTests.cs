using System.Net.Sockets;
using Ztunnel.Proxy.Socks;
using Ztunnel.Telemetry;

namespace Ztunnel.Tests.Proxy.Socks;

/// <summary>Which reply a failure is (RFC 1928 section 6).</summary>
public sealed class SocksFailuresTests
{
    [Theory]
    [InlineData(SocketError.ConnectionRefused, 5)]
    [InlineData(SocketError.NetworkUnreachable, 3)]
    [InlineData(SocketError.NetworkDown, 3)]
    [InlineData(SocketError.HostUnreachable, 4)]
    [InlineData(SocketError.HostDown, 4)]
    [InlineData(SocketError.HostNotFound, 4)]
    [InlineData(SocketError.NoData, 4)]
    [InlineData(SocketError.TimedOut, 6)]
    [InlineData(SocketError.AccessDenied, 2)]
    [InlineData(SocketError.ConnectionReset, 1)]
    public void Errors_OfTheSystem(SocketError error, byte code) =>
        Assert.Equal(code, (byte)SocksFailures.CodeOf(Of(new IOException("", new SocketException((int)error)))));

    [Fact]
    public void ConnectOutOfTime_IsAnExpiredTtl() =>
        Assert.Equal(SocksReplyCode.TtlExpired, SocksFailures.CodeOf(Of(new TimeoutException())));

    [Fact]
    public void DecisionAgainstIt_IsNotAllowed() =>
        Assert.Equal(SocksReplyCode.NotAllowed, SocksFailures.CodeOf(Of(null)));

    [Fact]
    public void AnythingElse_IsAFailure() =>
        Assert.Equal(SocksReplyCode.GeneralFailure, SocksFailures.CodeOf(Of(new IOException("no certificate"))));

    /// <summary>The family that the pod has not says nothing about the name.</summary>
    [Fact]
    public void SeveralAddresses_TheFirstThatIsMoreThanNoWay()
    {
        var noWay = Of(new SocketException((int)SocketError.NetworkUnreachable));
        var refused = Of(new SocketException((int)SocketError.ConnectionRefused));
        var late = Of(new TimeoutException());

        Assert.Same(refused, Foremost(noWay, refused, late));
        Assert.Same(refused, Foremost(refused, noWay));
        Assert.Same(noWay, Foremost(noWay));

        static ProxyException? Foremost(params ProxyException[] failures) =>
            failures.Aggregate((ProxyException?)null, SocksFailures.Foremost);
    }

    private static ProxyException Of(Exception? cause) => new(ConnectionFailure.Connect, "io error", cause);
}
