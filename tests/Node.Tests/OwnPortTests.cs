using System.Net;
using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>What a captured pod finds on a proxy's ports, in itself and in the proxy's pod; data-path 13, E8.</summary>
public sealed class OwnPortTests(NodeTopology topology) : IClassFixture<NodeTopology>
{
    private const string Garbage = "garbage\r\n\r\n";
    private const string BadRequest = "HTTP/1.1 400";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, 15001)]
    [InlineData(true, 15006)]
    [InlineData(true, 15008)]
    [InlineData(false, 15001)]
    [InlineData(false, 15006)]
    [InlineData(false, 15008)]
    public async Task E8_DataPort_OfTheOwnPod_AcceptsButCarriesNothing(bool byLoopback, int port)
    {
        var address = byLoopback ? IPAddress.Loopback : topology.Client.IPv4;

        Assert.Equal("", await SendGarbageAsync(address, port));
    }

    [Theory]
    [InlineData(15001)]
    [InlineData(15006)]
    [InlineData(15008)]
    public async Task E8_DataPort_OfAnotherCapturedPod_AcceptsButCarriesNothing(int port) =>
        Assert.Equal("", await SendGarbageAsync(topology.Server.IPv4, port));

    [Theory]
    [InlineData(true, 15000)]
    [InlineData(true, 15020)]
    [InlineData(true, 15021)]
    [InlineData(true, 15080)]
    [InlineData(false, 15000)]
    [InlineData(false, 15020)]
    [InlineData(false, 15021)]
    [InlineData(false, 15080)]
    public async Task E8_OtherPort_OfTheOwnPod_IsRefused(bool byLoopback, int port)
    {
        var address = byLoopback ? IPAddress.Loopback : topology.Client.IPv4;

        var e = await Assert.ThrowsAsync<SocketException>(() => topology.Client.ConnectAsync(address, port, Token));

        Assert.Equal(SocketError.ConnectionRefused, e.SocketErrorCode);
    }

    [Theory]
    [InlineData(15000)]
    [InlineData(15001)]
    [InlineData(15006)]
    [InlineData(15008)]
    [InlineData(15080)]
    public async Task E8_DataOrAdminPort_OfTheProxysPod_AcceptsButCarriesNothing(int port) =>
        Assert.Equal("", await SendGarbageAsync(topology.ClientProxy.Pod.IPv4, port));

    [Theory]
    [InlineData(15020)]
    [InlineData(15021)]
    public async Task E8_OperatorsPort_OfTheProxysPod_AnswersGarbageWith400(int port)
    {
        var answer = await SendGarbageAsync(topology.ClientProxy.Pod.IPv4, port);

        Assert.StartsWith(BadRequest, answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(15000)]
    [InlineData(15020)]
    [InlineData(15021)]
    public async Task E8_OperatorsPort_AtTheProxysLoopback_AnswersGarbageWith400(int port)
    {
        var answer = await SendGarbageAsync(IPAddress.Loopback, port, topology.ClientProxy.Pod);

        Assert.StartsWith(BadRequest, answer, StringComparison.Ordinal);
    }

    /// <summary>
    /// The rules leave what a pod sends to itself alone, so it reaches our listener as it is, by an address that is nobody's
    /// in the mesh: connecting onwards would come back here, without end.
    /// </summary>
    [Fact]
    public async Task E8_OutboundPort_ByAnAddressThatTheMeshDoesNotKnow_IsNotConnectedToAgain()
    {
        const string Address = "10.99.1.1";
        await topology.Client.Namespace.IpAsync([$"addr replace {Address}/32 dev lo"], Token);
        var proxy = topology.ClientProxy;
        var since = proxy.Log.Count;

        Assert.Equal("", await SendGarbageAsync(IPAddress.Parse(Address), 15001));

        var line = await proxy.WaitForAccessAsync(since, line => line["dst.addr"] == $"{Address}:15001", Token);
        Assert.Equal("attempted recursive call to ourselves", line["error"]);
    }

    /// <summary>What comes back until the connection ends, or breaks.</summary>
    private async Task<string> SendGarbageAsync(IPAddress address, int port, Pod? from = null)
    {
        using var socket = await (from ?? topology.Client).ConnectAsync(address, port, Token);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
        deadline.CancelAfter(TimeSpan.FromSeconds(10));
        var answer = "";
        try
        {
            await socket.SendTextAsync(Garbage, deadline.Token);
            while (await socket.ReceiveTextAsync(1, deadline.Token) is { Length: > 0 } character)
            {
                answer += character;
            }
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            // Broken off, with whatever came before.
        }

        return answer;
    }
}
