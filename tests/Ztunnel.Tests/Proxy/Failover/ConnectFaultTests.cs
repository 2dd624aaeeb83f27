using System.Net;
using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Pool;
using Ztunnel.Identity;
using Ztunnel.Mesh.Routing;
using Ztunnel.Proxy.Failover;

namespace Ztunnel.Tests.Proxy.Failover;

/// <summary>Which failures let a connection go on elsewhere, and which speak against an endpoint.</summary>
public sealed class ConnectFaultTests
{
    private static readonly Http2ConnectionException Lost = new(Http2ErrorCode.ConnectError, "lost");
    private static readonly Http2StreamException Reset = new(1, Http2ErrorCode.Cancel, "reset");

    [Theory]
    [InlineData(SocketError.ConnectionRefused, true)]
    [InlineData(SocketError.ConnectionReset, true)]
    [InlineData(SocketError.TimedOut, true)]
    [InlineData(SocketError.HostUnreachable, true)]
    [InlineData(SocketError.NetworkUnreachable, true)]
    [InlineData(SocketError.TooManyOpenSockets, false)]
    [InlineData(SocketError.AddressNotAvailable, false)]
    [InlineData(SocketError.AccessDenied, false)]
    public void Dial_OnlyWhatTheNetworkSays(SocketError error, bool expected)
    {
        var e = new SocketException((int)error);

        Assert.Equal(new(expected, expected), Of(e, OutboundProtocol.Tcp));
        Assert.Equal(new(expected, expected), Of(new HboneConnectException("", e, timedOut: false)));
        Assert.Equal(
            new(expected, expected),
            Of(new HboneConnectException("", e, timedOut: false), OutboundProtocol.DoubleHbone));
    }

    [Fact]
    public void Timeout_OfTheConnect_GoesElsewhere()
    {
        var e = new TimeoutException("deadline has elapsed");

        Assert.Equal(new(true, true), Of(e, OutboundProtocol.Tcp));
        Assert.Equal(new(true, true), Of(new HboneConnectException("", e, timedOut: true)));
    }

    [Fact]
    public void Handshake_GoesElsewhere_AndAGatewayIsNotBlamedForTheServer()
    {
        var e = new HboneTlsException("", new IOException());

        Assert.Equal(new(true, true), Of(e));
        Assert.Equal(new(true, false), Of(e, OutboundProtocol.DoubleHbone));
    }

    [Fact]
    public void Http2_OnlyWhatNobodyActedOn_GoesElsewhere()
    {
        Assert.Equal(new(true, true), Of(new HboneProtocolException("", Lost) { IsUnprocessed = true }));
        Assert.Equal(new(false, true), Of(new HboneProtocolException("", Lost)));
        Assert.Equal(new(false, true), Of(new HboneProtocolException("", Reset)));
        Assert.Equal(new(false, false), Of(new HboneProtocolException("", Reset), serves: false));
    }

    [Theory]
    [InlineData(204, false)]
    [InlineData(400, false)]
    [InlineData(401, false)]
    [InlineData(404, false)]
    [InlineData(503, true)]
    public void Answer_IsNeverTriedAgain(int status, bool counts)
    {
        Assert.Equal(new(false, counts), Of(new HboneStatusException(status)));
        Assert.Equal(default, Of(new HboneStatusException(status), serves: false));
    }

    [Fact]
    public void NoAnswer_IsNeverTriedAgain()
    {
        Assert.Equal(new(false, true), Of(new HboneAnswerTimeoutException("")));
        Assert.Equal(default, Of(new HboneAnswerTimeoutException(""), serves: false));
    }

    [Fact]
    public void OurOwnFailure_SaysNothing()
    {
        Assert.Equal(default, Of(new IdentityException("no certificate")));
        Assert.Equal(default, Of(new IOException("cannot set SO_MARK"), OutboundProtocol.Tcp));
        Assert.Equal(default, Of(null));
    }

    private static ConnectFault Of(
        Exception? cause, OutboundProtocol protocol = OutboundProtocol.Hbone, bool serves = true)
    {
        var address = new IPEndPoint(IPAddress.Loopback, 15008);
        return ConnectFault.Of(cause, new OutboundRoute
        {
            Protocol = protocol,
            Dial = address,
            Chosen = new ChosenEndpoint(new EndpointKey("a", address), Candidates: 2, serves),
        });
    }
}
