using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests.InPod;

/// <summary>
/// The end of a proxy that serves several pods; data-path 9 and 13, D1 to D4, node-integration 8, N17 and N18. Each test
/// starts the proxy of the near node anew and leaves it ended.
/// </summary>
public sealed class NodeShutdownTests(TwoNodes nodes) : IClassFixture<TwoNodes>
{
    private const string Quit = "quitquitquit";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("TERM", AddressFamily.InterNetwork)]
    [InlineData("TERM", AddressFamily.InterNetworkV6)]
    [InlineData("INT", AddressFamily.InterNetwork)]
    [InlineData(Quit, AddressFamily.InterNetworkV6)]
    public async Task D1_D3_D4_N17_OpenConnections_WorkUntilTheirEndAndNewOnesAreRefused(string how, AddressFamily family)
    {
        await nodes.Near.ReplaceProxyAsync(Token, ("CONNECTION_TERMINATION_DEADLINE", "300s"));
        await using var server = PodServer.Start(nodes.Remote.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        using var first = await nodes.Client.ConnectAsync(nodes.Remote, family, TwoNodes.EchoPort, Token);
        using var second = await nodes.Twin.ConnectAsync(nodes.Remote, family, TwoNodes.EchoPort, Token);
        await EchoCalls.ExchangeAsync(first);
        await EchoCalls.ExchangeAsync(second);

        await StopAsync(nodes.Near, how);
        await WaitUntilRefusedAsync(nodes.Client, family);
        await WaitUntilRefusedAsync(nodes.Twin, family);
        await EchoCalls.ExchangeAsync(first);
        await EndAsync(first);
        await EchoCalls.ExchangeAsync(second); // the pods drain each on its own
        Assert.False(nodes.Near.Proxy.Process.HasExited);
        await EndAsync(second);

        Assert.Equal(0, await ExitCodeAsync(nodes.Near)); // long before the deadline
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task N17_ProxyOfTheServer_TunnelsWorkUntilTheirEndAndNewConnectionsFail(AddressFamily family)
    {
        await Task.WhenAll(
            nodes.Near.ReplaceProxyAsync(Token),
            nodes.Far.ReplaceProxyAsync(Token, ("CONNECTION_TERMINATION_DEADLINE", "300s")));
        await using var server = PodServer.Start(nodes.Remote.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        using var open = await nodes.Client.ConnectAsync(nodes.Remote, family, TwoNodes.EchoPort, Token);
        await EchoCalls.ExchangeAsync(open);

        await StopAsync(nodes.Far, "TERM");
        await EchoCalls.UntilAsync(
            async () =>
            {
                using var late = await nodes.Client.ConnectAsync(nodes.Remote, family, TwoNodes.EchoPort, Token);
                return await EchoCalls.EndOfAsync(late, EchoCalls.Hello, EchoCalls.Answer.Length) == "";
            },
            "new connections carry nothing");
        await EchoCalls.ExchangeAsync(open);
        await EndAsync(open);

        Assert.Equal(0, await ExitCodeAsync(nodes.Far));
        await nodes.Far.ReplaceProxyAsync(Token);
    }

    [Theory]
    [InlineData("TERM", AddressFamily.InterNetwork)]
    [InlineData(Quit, AddressFamily.InterNetworkV6)]
    public async Task D2_N18_ConnectionThatStays_IsCutAtTheDeadline(string how, AddressFamily family)
    {
        await nodes.Near.ReplaceProxyAsync(Token, ("CONNECTION_TERMINATION_DEADLINE", "500ms"));
        await using var server = PodServer.Start(nodes.Remote.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        using var open = await nodes.Client.ConnectAsync(nodes.Remote, family, TwoNodes.EchoPort, Token);
        await EchoCalls.ExchangeAsync(open);

        await StopAsync(nodes.Near, how);

        Assert.Equal("", await EchoCalls.EndOfAsync(open));
        Assert.Equal(0, await ExitCodeAsync(nodes.Near));
        Assert.Contains(
            "drain duration expired with pending connections", nodes.Near.Proxy.Process.Output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    [InlineData(Quit)]
    public async Task D3_ControlCDuringADrain_EndsItAtOnce(string first)
    {
        await nodes.Near.ReplaceProxyAsync(Token, ("CONNECTION_TERMINATION_DEADLINE", "300s"));
        await using var server = PodServer.Start(nodes.Remote.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        using var open = await nodes.Client.ConnectAsync(nodes.Remote.Pod.IPv4, TwoNodes.EchoPort, Token);
        await EchoCalls.ExchangeAsync(open);
        await StopAsync(nodes.Near, first);
        await WaitUntilRefusedAsync(nodes.Client, AddressFamily.InterNetwork);
        await EchoCalls.ExchangeAsync(open);

        await nodes.Near.Proxy.Process.SignalAsync("INT");

        Assert.Equal(0, await ExitCodeAsync(nodes.Near));
        Assert.Equal("", await EchoCalls.EndOfAsync(open));
    }

    [Fact]
    public async Task D3_SecondTermination_ChangesNothing()
    {
        await nodes.Near.ReplaceProxyAsync(Token, ("CONNECTION_TERMINATION_DEADLINE", "300s"));
        await using var server = PodServer.Start(nodes.Remote.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        using var open = await nodes.Client.ConnectAsync(nodes.Remote.Pod.IPv4, TwoNodes.EchoPort, Token);
        await EchoCalls.ExchangeAsync(open);
        await StopAsync(nodes.Near, Quit);
        await WaitUntilRefusedAsync(nodes.Client, AddressFamily.InterNetwork);

        await nodes.Near.Proxy.Process.SignalAsync("TERM");

        await EchoCalls.ExchangeAsync(open);
        await EndAsync(open);
        Assert.Equal(0, await ExitCodeAsync(nodes.Near));
    }

    private static async Task StopAsync(ServedNode node, string how)
    {
        if (how != Quit)
        {
            await node.Proxy.Process.SignalAsync(how);
            return;
        }

        var spec = new ProcessSpec(
            "curl", "-sS", "-f", "--max-time", "5", "-X", "POST", "http://127.0.0.1:15000/quitquitquit");
        Assert.Equal("shutdown now", (await node.ProxyPod.Pod.Namespace.RunAsync(spec, Token)).Succeeded().Output);
    }

    private static async Task EndAsync(Socket connection)
    {
        connection.Shutdown(SocketShutdown.Send);
        Assert.Equal("", await connection.ReceiveToEndAsync(Token));
    }

    private static Task<int> ExitCodeAsync(ServedNode node) =>
        node.Proxy.Process.WaitForExitAsync(Token).WaitAsync(Limit, Token);

    private Task WaitUntilRefusedAsync(MeshPod client, AddressFamily family) => EchoCalls.UntilAsync(
        async () =>
        {
            try
            {
                using var accepted = await client.ConnectAsync(nodes.Remote, family, TwoNodes.EchoPort, Token);
                return false;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
            {
                return true;
            }
        },
        "new connections are refused");
}
