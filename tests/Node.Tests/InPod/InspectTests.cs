using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests.InPod;

/// <summary>The commands that show what a running proxy knows, asked on its node.</summary>
public sealed class InspectTests(SharedNode node) : IClassFixture<SharedNode>
{
    private const string Hello = "hello world";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connections_OpenOne_IsListedAtBothEnds()
    {
        await using var server = PodServer.Start(node.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        using var connection = await ConnectAsync();
        var port = ((IPEndPoint)connection.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);

        var rows = await ShowAsync("connections");

        Assert.Equal(["WORKLOAD", "DIRECTION", "LOCAL", "REMOTE", "REMOTE", "TARGET", "PROTOCOL"], rows[0]);
        var outbound = Assert.Single(rows, row => row[1] == "Outbound" && row[4] == $"{TestMesh.ServiceHostname}:80");
        Assert.Equal(
            ["client.default", "Outbound", $"client.default:{port}", "server.shop:15008", $"{TestMesh.ServiceHostname}:80", "HBONE"],
            outbound);
        Assert.Contains(rows, row => row is ["server.shop", "Inbound", "server.shop:7007", _, .., "HBONE"]);
    }

    [Fact]
    public async Task OtherCommands_ShowTheMesh()
    {
        await using var server = PodServer.Start(node.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        using var connection = await ConnectAsync(); // so certificates are there

        Assert.Contains(
            await ShowAsync("workloads"),
            row => row is ["shop", "plain", _, _, "None", "TCP"] && row[2] == $"{node.Plain.IPv4},{node.Plain.IPv6}");
        Assert.Contains(await ShowAsync("services"), row => row is ["shop", "echo", _, "None", "1/1"]);
        Assert.Contains(await ShowAsync("policies"), row => row is ["shop", "no-7099", "Deny", "WorkloadSelector"]);
        Assert.Contains(await ShowAsync("certificates"), row => row is [TestMesh.ServerIdentity, "Leaf", "Available", "true", ..]);
        Assert.StartsWith("[\n    {\n        \"state\": \"Up\",", await RunAsync("connections", "-o", "json"), StringComparison.Ordinal);
        Assert.StartsWith("- action: ", await RunAsync("policies", "-o", "yaml"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Workloads_DumpOnStandardInput_IsRead()
    {
        var dump = await node.Proxy.GetAsync(15000, "/config_dump", Token);
        var spec = new ProcessSpec(ProxyBinary.Path, "workloads", "-f", "-") { Input = dump.Body };

        var result = (await ChildProcess.RunAsync(spec, Limit, Token)).Succeeded();

        Assert.Contains(" server ", result.Output, StringComparison.Ordinal);
    }

    /// <summary>A connection through the tunnel, by the service.</summary>
    private async Task<Socket> ConnectAsync()
    {
        var connection = await node.Client.ConnectAsync(AddressPlan.Service4(1), TestMesh.ServicePort, Token);
        await connection.SendTextAsync(Hello, Token);
        Assert.Equal(Hello + Hello, await connection.ReceiveTextAsync(22, Token));
        return connection;
    }

    private async Task<string[][]> ShowAsync(params string[] arguments) =>
    [
        .. (await RunAsync(arguments)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(row => row.Split(' ', StringSplitOptions.RemoveEmptyEntries)),
    ];

    // With a proxy in the environment that is not there, and is not to be asked.
    private async Task<string> RunAsync(params string[] arguments) => (await node.Node.Namespace.RunAsync(
        new ProcessSpec([ProxyBinary.Path, .. arguments])
        {
            Environment = new Dictionary<string, string?> { ["http_proxy"] = "http://127.0.0.1:1" },
        },
        Token)).Succeeded().Output;
}
