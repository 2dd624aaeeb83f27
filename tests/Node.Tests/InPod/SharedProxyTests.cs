using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Fixtures;
using Ztunnel.Demo;

namespace Node.Tests.InPod;

/// <summary>One process that serves several pods of its node; node-integration 1, 2, 5, 6 and 8.</summary>
public sealed class SharedProxyTests(SharedNode node) : IClassFixture<SharedNode>
{
    private const string Hello = "hello world";

    private static readonly (string, string)[] Tunnel =
    [
        ("source_workload", "client"), ("destination_workload", "server"), ("connection_security_policy", "mutual_tls"),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Z6_Readiness_IsToldByTheSnapshot() => Assert.Equal(
        [
            $"500 not ready, pending: {SharedNode.ReadinessTask}\n",
            $"500 not ready, pending: {SharedNode.ReadinessTask}\n",
            "200 ready\n",
        ],
        node.ReadyAnswers);

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task N1_N3_CapturedToCaptured_UnderOneProcess(AddressFamily family)
    {
        await using var server = PodServer.Start(node.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        var before = await CountersAsync();

        var reply = await AskAsync(node.Client, AddressOf(node.Server, family));

        Assert.Equal(Hello + Hello, reply);
        Assert.Equal(AddressOf(node.Client, family), Assert.Single(server.Peers));
        await UntilAsync(async () => (await CountersAsync()).Zip(before, (now, then) => now - then)
            .SequenceEqual([1, 1, 11, 22, 1, 1, 11, 22]));
    }

    [Fact]
    public async Task Z17_AgentRestarts_ConnectionsSurvive()
    {
        await using var server = PodServer.Start(node.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        using var connection = await node.Client.ConnectAsync(node.Server.IPv4, TestMesh.EchoPort, Token);
        await connection.SendTextAsync(Hello, Token);
        Assert.Equal(Hello + Hello, await connection.ReceiveTextAsync(22, Token));

        node.Agent.Stop();
        node.Connection.Dispose();
        await node.Proxy.WaitForReadyAsync("500", Token);
        await connection.SendTextAsync(Hello, Token);
        Assert.Equal(Hello + Hello, await connection.ReceiveTextAsync(22, Token));
        Assert.Equal(Hello + Hello, await AskAsync(node.Client, node.Server.IPv6!));
        node.Agent.Restart();
        node.Connection = await node.Agent.AcceptAsync();
        await node.Connection.ReadHelloAsync();
        await node.AddAsync(node.Client);
        Assert.Empty(await node.Connection.KeepAsync(SharedNode.UidOf(node.Server)));
        Assert.Empty(await node.Connection.SnapshotAsync());

        Assert.Equal("200 ready\n", await node.Proxy.ReadyAsync(Token));
        await connection.SendTextAsync(Hello, Token);
        Assert.Equal(Hello + Hello, await connection.ReceiveTextAsync(22, Token));
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task N19_D5_ServerDeleted_ConnectionsFailAndNewOnesCarryNothing(AddressFamily family)
    {
        await using var server = PodServer.Start(node.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        var address = AddressOf(node.Server, family);
        using var open = await node.Client.ConnectAsync(address, TestMesh.EchoPort, Token);
        await open.SendTextAsync(Hello, Token);
        Assert.Equal(Hello + Hello, await open.ReceiveTextAsync(22, Token));

        await node.DeleteAsync(node.Server);
        try
        {
            Assert.Equal("", await EndOfAsync(open));
            using var late = await node.Client.ConnectAsync(address, TestMesh.EchoPort, Token);
            Assert.Equal("", await EndOfAsync(late, Hello));
        }
        finally
        {
            await node.AddAsync(node.Server);
        }

        Assert.Equal(Hello + Hello, await AskAsync(node.Client, address));
    }

    [Theory]
    [InlineData(15001)]
    [InlineData(15006)]
    [InlineData(15008)]
    public async Task P5_N16_ProxyPortOfACapturedPod_CarriesNothing(int port)
    {
        using var fromPlain = await node.Plain.ConnectAsync(node.Server.IPv4, port, Token);
        using var fromClient = await node.Client.ConnectAsync(node.Server.IPv4, port, Token);
        using var fromItself = await node.Client.ConnectAsync(IPAddress.Loopback, port, Token);

        Assert.Equal("", await EndOfAsync(fromPlain, "garbage\r\n\r\n"));
        Assert.Equal("", await EndOfAsync(fromClient, "garbage\r\n\r\n"));
        Assert.Equal("", await EndOfAsync(fromItself, "garbage\r\n\r\n"));
    }

    [Fact]
    public async Task PodRemoved_ReleasesEveryDescriptor()
    {
        // Once for what stays with the process, such as the first connection's random numbers.
        await ServeForAWhileAsync();
        var before = await SettledAsync();

        for (var i = 0; i < 5; i++)
        {
            await ServeForAWhileAsync();
        }

        await UntilAsync(async () =>
        {
            await Task.Yield();
            return node.Proxy.Descriptors().Length <= before;
        });

        async Task ServeForAWhileAsync()
        {
            await using var server = PodServer.Start(node.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
            await node.DeleteAsync(node.Server);
            await node.AddAsync(node.Server);
            using var open = await node.Client.ConnectAsync(node.Server.IPv4, TestMesh.EchoPort, Token);
            await open.SendTextAsync(Hello, Token);
            Assert.Equal(Hello + Hello, await open.ReceiveTextAsync(22, Token));
            await node.DeleteAsync(node.Client);
            Assert.Equal("", await EndOfAsync(open));
            await node.AddAsync(node.Client);
        }

        async Task<int> SettledAsync()
        {
            await node.DeleteAsync(node.Server);
            await node.AddAsync(node.Server);
            await Task.Delay(500, Token); // the upper bound of a count that only falls from here
            return node.Proxy.Descriptors().Length;
        }
    }

    [Fact]
    public async Task ConfigDump_HasTheShapeOfTheRecording()
    {
        await using var server = PodServer.Start(node.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        using var direct = await node.Client.ConnectAsync(node.Server.IPv4, TestMesh.EchoPort, Token);
        using var service = await node.Client.ConnectAsync(AddressPlan.Service4(1), TestMesh.ServicePort, Token);
        using var plain = await node.Client.ConnectAsync(node.Plain.IPv4, TestMesh.EchoPort, Token);
        foreach (var connection in new[] { direct, service })
        {
            await connection.SendTextAsync(Hello, Token);
            Assert.Equal(Hello + Hello, await connection.ReceiveTextAsync(22, Token));
        }

        var dump = await node.Proxy.ConfigDumpAsync(Token);

        var recorded = JsonNode.Parse(Fixture.Read("config_dump", "shared-na.json"))!;
        Assert.Equal(
            Names(recorded), Names(dump).Except(["missingPolicies"]));
        var client = dump["workloadState"]!["uid-client"]!;
        var expected = recorded["workloadState"]!.AsObject().First().Value!;
        Assert.Equal(Names(expected), Names(client));
        Assert.Equal(Names(expected["info"]!), Names(client["info"]!));
        Assert.Equal("Up", client["state"]!.GetValue<string>());
        Assert.Equal(Names(expected["connections"]!), Names(client["connections"]!));
        var shape = Names(expected["connections"]!["outbound"]![0]!);
        var outbound = client["connections"]!["outbound"]!.AsArray();
        Assert.All(outbound, connection => Assert.Equal(shape, Names(connection!)));
        AssertListed(outbound, $"{node.Server.IPv4}:15008", $"{node.Server.IPv4}:7007", "HBONE");
        AssertListed(outbound, $"{node.Server.IPv4}:15008", $"{AddressPlan.Service4(1)}:80", "HBONE");
        var inbound = dump["workloadState"]!["uid-server"]!["connections"]!["inbound"]!.AsArray();
        Assert.All(inbound, connection => Assert.Equal(shape, Names(connection!)));
        AssertListed(inbound, $"{node.Server.IPv4}:7007", null, "HBONE");
    }

    [Fact]
    public async Task Metrics_OfPods_AreThoseOfTheRecording()
    {
        var recorded = Comments(Fixture.Read("metrics", "shared-na.txt"));

        var page = await node.Proxy.MetricsPageAsync(Token);

        Assert.Equal(recorded, Comments(page));
        Assert.Equal(2, await node.Proxy.SumAsync("workload_manager_active_proxy_count", [], Token));
        Assert.Equal(0, await node.Proxy.SumAsync("workload_manager_pending_proxy_count", [], Token));

        static string[] Comments(string page) =>
            [.. page.Split('\n').Where(line => line.StartsWith('#') && line.Contains(" workload_manager_", StringComparison.Ordinal))];
    }

    [Fact]
    public async Task Z3_P1_Listeners_AreInThePodAndMarked()
    {
        var spec = new ProcessSpec("ss", "-Htlne");
        var lines = (await node.Client.Namespace.RunAsync(spec, Token)).Succeeded().Output.Split('\n');

        foreach (var port in (int[])[15001, 15006, 15008])
        {
            var listener = Assert.Single(lines, line => line.Contains($":{port.ToString(CultureInfo.InvariantCulture)} ", StringComparison.Ordinal));
            Assert.Contains("fwmark:0x539", listener, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task P3_Z19_TwoProcesses_ListenInOnePodAtOnce()
    {
        var other = await node.Topology.AddNodeAsync("second", Token);
        var newer = await node.StartProxyAsync(other);
        try
        {
            using var connection = await node.Agent.AcceptAsync();
            await connection.ReadHelloAsync();
            await node.AddAsync(node.Client, connection);
            await node.AddAsync(node.Server, connection);
            Assert.Empty(await connection.SnapshotAsync());
            await newer.WaitForReadyAsync("200", Token);
            await using var server = PodServer.Start(node.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);

            for (var i = 0; i < 20; i++)
            {
                Assert.Equal(Hello + Hello, await AskAsync(node.Client, node.Server.IPv4));
            }
        }
        finally
        {
            await newer.Process.DisposeAsync();
        }
    }

    private static void AssertListed(JsonArray connections, string actual, string? original, string protocol) =>
        Assert.Contains(connections, connection =>
            connection!["actualDst"]?.GetValue<string>() == actual
            && connection["originalDst"]?.GetValue<string>() == original
            && connection["protocol"]!.GetValue<string>() == protocol
            && IPEndPoint.TryParse(connection["src"]!.GetValue<string>(), out _));

    private static IEnumerable<string> Names(JsonNode node) => node.AsObject().Select(member => member.Key).Order(StringComparer.Ordinal);

    private static IPAddress AddressOf(Pod pod, AddressFamily family) =>
        family == AddressFamily.InterNetwork ? pod.IPv4 : pod.IPv6!;

    private static async Task<string> AskAsync(Pod client, IPAddress server)
    {
        using var socket = await client.ConnectAsync(server, TestMesh.EchoPort, Token);
        await socket.SendTextAsync(Hello, Token);
        socket.Shutdown(SocketShutdown.Send);
        return await socket.ReceiveToEndAsync(Token);
    }

    /// <summary>What arrives before the end or the reset.</summary>
    private static async Task<string> EndOfAsync(Socket socket, string text = "")
    {
        try
        {
            await socket.SendTextAsync(text, Token);
            return await socket.ReceiveToEndAsync(Token);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            return "";
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(20), "not in time");
            await Task.Delay(50, Token);
        }
    }

    private async Task<double[]> CountersAsync()
    {
        var samples = MetricSample.Parse(await node.Proxy.MetricsPageAsync(Token));
        return
        [
            .. from reporter in (string[])["source", "destination"]
               from name in (string[])["connections_opened", "connections_closed", "received_bytes", "sent_bytes"]
               select samples.Where(sample => sample.Name == $"istio_tcp_{name}_total" && sample.Has([("reporter", reporter), .. Tunnel]))
                   .Sum(sample => sample.Value),
        ];
    }
}
