using System.Net;
using System.Net.Sockets;

namespace Node.Tests;

/// <summary>What a pod finds on the proxy's own ports; data-path 13, E8, for a proxy inside the pod.</summary>
public sealed class OwnPortTests(NodeTopology topology) : IClassFixture<NodeTopology>
{
    private const string Garbage = "garbage\r\n\r\n";

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
    [InlineData(true)]
    [InlineData(false)]
    public async Task E8_Socks_IsRefused(bool byLoopback)
    {
        var address = byLoopback ? IPAddress.Loopback : topology.Client.IPv4;

        var e = await Assert.ThrowsAsync<SocketException>(() => topology.Client.ConnectAsync(address, 15080, Token));

        Assert.Equal(SocketError.ConnectionRefused, e.SocketErrorCode);
    }

    [Fact]
    public async Task E8_Admin_OnThePodsAddress_IsRefused()
    {
        var e = await Assert.ThrowsAsync<SocketException>(
            () => topology.Client.ConnectAsync(topology.Client.IPv4, 15000, Token));

        Assert.Equal(SocketError.ConnectionRefused, e.SocketErrorCode);
    }

    [Theory]
    [InlineData(15000)]
    [InlineData(15020)]
    [InlineData(15021)]
    public async Task E8_OperatorsPort_AnswersGarbageWith400(int port) =>
        Assert.StartsWith("HTTP/1.1 400", await SendGarbageAsync(IPAddress.Loopback, port), StringComparison.Ordinal);

    /// <summary>What comes back until the connection ends, or breaks.</summary>
    private async Task<string> SendGarbageAsync(IPAddress address, int port)
    {
        using var socket = await topology.Client.ConnectAsync(address, port, Token);
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
