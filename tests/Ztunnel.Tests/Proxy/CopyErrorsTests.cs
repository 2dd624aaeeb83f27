using System.Net.Sockets;
using Hbone.Proxying;
using Ztunnel.Proxy;

namespace Ztunnel.Tests.Proxy;

/// <summary>Data-path 11.5: <c>send</c> is from the client to the server, <c>receive</c> the way back.</summary>
public sealed class CopyErrorsTests
{
    private static readonly SocketException Reset = new((int)SocketError.ConnectionReset);
    private static readonly ObjectDisposedException Ours = new("socket");

    [Fact]
    public void OrderlyEnd_IsNoError() => Assert.Null(CopyErrors.From(new CopyResult(null, null)));

    [Fact]
    public void WayThatBrokeFirst_IsReported()
    {
        Assert.Equal(
            "send: io error: Connection reset by peer (os error 104)",
            CopyErrors.From(new CopyResult(Reset, Ours))!.Message);
        Assert.Equal(
            "receive: io error: Connection reset by peer (os error 104)",
            CopyErrors.From(new CopyResult(Ours, Reset) { DownFirst = true })!.Message);
    }

    [Fact]
    public void OnlyTheWayDownBroke_IsReceive() => Assert.StartsWith(
        "receive: ", CopyErrors.From(new CopyResult(null, Reset))!.Message, StringComparison.Ordinal);
}
