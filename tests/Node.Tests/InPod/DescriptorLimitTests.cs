using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Ztunnel.Demo;
using Ztunnel.Tests.InPod;

namespace Node.Tests.InPod;

/// <summary>A proxy of a node that may open no descriptor any more, and then may again.</summary>
public sealed class DescriptorLimitTests(SharedNode node) : IClassFixture<SharedNode>
{
    private const string Hello = "hello world";
    private const string OutOfDescriptors = "Too many open files (os error 24)";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(3);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task NoDescriptorLeft_WaitsWithOneLineAndWithoutWork_AndRecovers()
    {
        await using var server = PodServer.Start(node.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        using var open = await node.Client.ConnectAsync(node.Server.IPv4, TestMesh.EchoPort, Token);
        await ExchangeAsync(open);
        await LimitAsync("3"); // 0, 1 and 2 are in use, so none is left
        Socket waiting;
        Socket probe;
        try
        {
            waiting = await node.Client.ConnectAsync(node.Server.IPv4, TestMesh.EchoPort, Token);
            probe = await node.Node.Namespace.ConnectAsync(IPAddress.Loopback, 15021, Token);
            var line = await node.Proxy.Process.Output.FirstWithinAsync(
                text => text.Contains(OutOfDescriptors, StringComparison.Ordinal), since: 0, Limit, Token);
            Assert.NotNull(line);
            var before = Cpu();
            await Task.Delay(Watched, Token);

            Assert.InRange(Cpu() - before, TimeSpan.Zero, Watched / 2); // one processor that tried without a pause would need all of it
            await ExchangeAsync(open);
            Assert.NotEmpty(await RefusedAddAsync());
        }
        finally
        {
            await LimitAsync("20000");
        }

        await ReconnectAsync();
        using (waiting)
        using (probe)
        {
            await ExchangeAsync(waiting);
            await probe.SendTextAsync("GET /healthz/ready HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n", Token);
            var answer = await probe.ReceiveToEndAsync(Token);
            Assert.StartsWith("HTTP/1.1 200 OK", answer, StringComparison.Ordinal);
        }

        await node.AddAsync(node.Plain);
        await node.DeleteAsync(node.Plain);
        foreach (var port in (string[])[":15001,", ":15021,"])
        {
            Assert.Single(
                node.Proxy.Process.Output.ToString().Split('\n'),
                line => line.Contains("cannot accept on", StringComparison.Ordinal) && line.Contains(port, StringComparison.Ordinal));
        }
    }

    private static async Task ExchangeAsync(Socket connection)
    {
        await connection.SendTextAsync(Hello, Token);
        Assert.Equal(Hello + Hello, await connection.ReceiveTextAsync(2 * Hello.Length, Token));
    }

    private async Task LimitAsync(string soft)
    {
        var id = node.Proxy.Process.Id.ToString(CultureInfo.InvariantCulture);
        (await ChildProcess.RunAsync(new ProcessSpec("prlimit", "--pid", id, $"--nofile={soft}:"), Limit, Token)).Succeeded();
    }

    /// <summary>The answer to a pod whose descriptor cannot arrive.</summary>
    private async Task<string> RefusedAddAsync()
    {
        using var netns = File.OpenHandle(node.Plain.Namespace.Path);
        return await node.Connection.AskAsync(
            AgentConnection.AddBytes(SharedNode.UidOf(node.Plain), node.Plain.Name, "shop", node.Plain.Name), netns);
    }

    /// <summary>A request that did not arrive whole ends the connection; a new one tells all pods again.</summary>
    private async Task ReconnectAsync()
    {
        node.Connection.Dispose();
        node.Connection = await node.Agent.AcceptAsync();
        await node.Connection.ReadHelloAsync();
        Assert.Empty(await node.Connection.KeepAsync(SharedNode.UidOf(node.Client)));
        Assert.Empty(await node.Connection.KeepAsync(SharedNode.UidOf(node.Server)));
        Assert.Empty(await node.Connection.SnapshotAsync());
    }

    /// <summary>Processor time of the proxy so far.</summary>
    private TimeSpan Cpu()
    {
        using var process = Process.GetProcessById(node.Proxy.Process.Id);
        return process.TotalProcessorTime;
    }
}
