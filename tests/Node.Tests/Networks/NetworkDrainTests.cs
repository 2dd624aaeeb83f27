using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests.Networks;

/// <summary>SIGTERM while a double tunnel carries a connection; data-path 9.</summary>
public sealed class NetworkDrainTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Drain_ConnectionGoesOn_AndTheProcessEndsWithIt()
    {
        await using var networks = await StartAsync("60s");
        using var dialled = await OpenAsync(networks);

        await networks.Near.Process.SignalAsync("TERM");
        await WaitUntilNothingListensAsync(networks);

        await dialled.Socket.SendTextAsync("hello", Token);
        Assert.Equal("hello", await dialled.Socket.ReceiveTextAsync(5, Token));
        dialled.Socket.Shutdown(SocketShutdown.Send);
        Assert.Equal("", await dialled.Socket.ReceiveToEndAsync(Token));
        Assert.Equal(0, await networks.Near.Process.WaitForExitAsync(Token).WaitAsync(Limit, Token));
        Assert.Null((await dialled.LineAsync(Token))["error"]);
        Assert.Equal(0, (await networks.Gateway.FirstAsync("end", 0, Token)).GetProperty("code").GetInt32());
    }

    [Fact]
    public async Task DrainOverTime_ConnectionIsCut()
    {
        await using var networks = await StartAsync("1s");
        using var dialled = await OpenAsync(networks);

        await networks.Near.Process.SignalAsync("TERM");

        Assert.Equal(0, await networks.Near.Process.WaitForExitAsync(Token).WaitAsync(Limit, Token));
        var line = await dialled.LineAsync(Token);
        Assert.Equal("connection closed due to connection drain", line["error"]);
        Assert.Equal("peer", line["dst.workload"]);
    }

    private static async Task WaitUntilNothingListensAsync(TwoNetworks networks)
    {
        var started = TimeProvider.System.GetTimestamp();
        var listeners = new ProcessSpec("ss", "-Htln");
        while ((await networks.Client.Namespace.RunAsync(listeners, Token)).Succeeded().Output.Length > 0)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < Limit, "listeners stay open");
            await Task.Delay(20, Token);
        }
    }

    private static Task<TwoNetworks> StartAsync(string deadline) =>
        TwoNetworks.StartAsync(new() { ["CONNECTION_TERMINATION_DEADLINE"] = deadline }, Token);

    private static async Task<DialledSocket> OpenAsync(TwoNetworks networks)
    {
        var dialled = await networks.DialAsync(FarServices.Peer, Token);
        await dialled.Socket.SendTextAsync("hello", Token);
        Assert.Equal("hello", await dialled.Socket.ReceiveTextAsync(5, Token));
        return dialled;
    }
}
