using System.Diagnostics;
using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>
/// Stopping a proxy with SIGTERM or a request to its admin port; data-path 9 and 13, D1, D2 and D4, control-plane 9.1, C11.
/// </summary>
public sealed class DrainTests
{
    private const string Sigterm = "SIGTERM";
    private const string Quit = "POST /quitquitquit";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Sigterm)]
    [InlineData(Quit)]
    public async Task C11_NoConnections_BothProxiesExitWith0LongBeforeTheDeadline(string how)
    {
        await using var topology = new NodeTopology { ProxyEnvironment = WithDeadline("300s") };
        await topology.InitializeAsync();

        Assert.Equal(0, await StopAsync(topology.ClientProxy, how));
        Assert.Equal(0, await StopAsync(topology.ServerProxy, how));
    }

    [Theory]
    [InlineData(Sigterm)]
    [InlineData(Quit)]
    public async Task D1_C11_OpenConnection_WorksUntilItsEndAndNewOnesAreRefused(string how)
    {
        await using var topology = new NodeTopology { ProxyEnvironment = WithDeadline("20s") };
        await topology.InitializeAsync();
        await using var server = PodServer.Start(topology.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        using var connection = await ConnectAsync(topology);
        await ExchangeAsync(connection);

        var stopping = StopAsync(topology.ClientProxy, how);
        await WaitUntilRefusedAsync(topology);
        await ExchangeAsync(connection);
        connection.Shutdown(SocketShutdown.Send);
        Assert.Equal("", await connection.ReceiveToEndAsync(Token));
        var ended = Stopwatch.GetTimestamp();

        Assert.Equal(0, await stopping);
        Assert.InRange(Stopwatch.GetElapsedTime(ended), TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    [Theory]
    [InlineData(Sigterm)]
    [InlineData(Quit)]
    public async Task D2_C11_ConnectionThatStays_IsCutAtTheDeadline(string how)
    {
        await using var topology = new NodeTopology { ProxyEnvironment = WithDeadline("1s") };
        await topology.InitializeAsync();
        await using var server = PodServer.Start(topology.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        using var connection = await ConnectAsync(topology);
        await ExchangeAsync(connection);

        var started = Stopwatch.GetTimestamp();
        var exitCode = await StopAsync(topology.ClientProxy, how);

        Assert.Equal(0, exitCode);
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(8));
    }

    private static async Task<int> StopAsync(ProxyProcess proxy, string how)
    {
        if (how == Sigterm)
        {
            return await proxy.StopAsync();
        }

        var spec = new ProcessSpec(
            "curl", "-sS", "-f", "--max-time", "5", "-X", "POST", "http://127.0.0.1:15000/quitquitquit");
        Assert.Equal("shutdown now", (await proxy.Pod.Namespace.RunAsync(spec, Token)).Succeeded().Output);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        return await proxy.WaitForExitAsync(limit.Token);
    }

    private static Dictionary<string, string?> WithDeadline(string deadline) =>
        new() { ["LOG_FORMAT"] = "json", ["CONNECTION_TERMINATION_DEADLINE"] = deadline };

    private static Task<Socket> ConnectAsync(NodeTopology topology) =>
        topology.Client.ConnectAsync(topology.Server.IPv4, TestMesh.EchoPort, Token);

    private static async Task ExchangeAsync(Socket connection)
    {
        await connection.SendTextAsync("hello world", Token);
        Assert.Equal("hello worldhello world", await connection.ReceiveTextAsync(22, Token));
    }

    private static async Task WaitUntilRefusedAsync(NodeTopology topology)
    {
        var deadline = DateTime.UtcNow + TimeSpan.FromSeconds(5);
        while (true)
        {
            try
            {
                using var accepted = await ConnectAsync(topology);
                Assert.True(DateTime.UtcNow < deadline, "a draining proxy still accepts connections after 5 s");
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), Token);
        }
    }
}
