using System.Net;
using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>Connections between pods through the proxies; data-path 13, E1, E2, E12, and what surrounds them.</summary>
public sealed class EndToEndTests(NodeTopology topology) : IClassFixture<NodeTopology>
{
    private static readonly (string, string)[] TunnelLabels =
    [
        ("source_workload", "client"),
        ("source_principal", TestMesh.ClientIdentity),
        ("destination_workload", "server"),
        ("destination_principal", TestMesh.ServerIdentity),
        ("connection_security_policy", "mutual_tls"),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("pod", AddressFamily.InterNetwork)]
    [InlineData("pod", AddressFamily.InterNetworkV6)]
    [InlineData("service", AddressFamily.InterNetwork)]
    [InlineData("service", AddressFamily.InterNetworkV6)]
    public async Task E1_CapturedToCaptured_IsCountedAndLoggedOnBothSides(string by, AddressFamily family)
    {
        await using var server = PodServer.Start(topology.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        var (logAtSource, logAtDestination) = (topology.ClientProxy.Log.Count, topology.ServerProxy.Log.Count);
        (string, string)[] sourceLabels = [("reporter", "source"), .. TunnelLabels];
        (string, string)[] destinationLabels = [("reporter", "destination"), .. TunnelLabels];
        var atSource = await TrafficCounters.ReadAsync(topology.ClientProxy, sourceLabels, Token);
        var atDestination = await TrafficCounters.ReadAsync(topology.ServerProxy, destinationLabels, Token);
        var (address, port) = Target(by, family);

        var reply = await RequestAsync(topology.Client, address, port);

        Assert.Equal("hello worldhello world", reply);
        Assert.Equal(AddressOf(topology.Client, family), Assert.Single(server.Peers));
        var growth = new TrafficCounters(Opened: 1, Closed: 1, Received: 11, Sent: 22);
        await TrafficCounters.WaitForGrowthAsync(topology.ClientProxy, sourceLabels, atSource, growth, Token);
        await TrafficCounters.WaitForGrowthAsync(topology.ServerProxy, destinationLabels, atDestination, growth, Token);

        var outbound = await topology.ClientProxy.WaitForAccessAsync(logAtSource, IsComplete, Token);
        Assert.Equal(("outbound", "11", "22"), (outbound["direction"], outbound["bytes_sent"], outbound["bytes_recv"]));
        AssertIdentities(outbound);
        var inbound = await topology.ServerProxy.WaitForAccessAsync(logAtDestination, IsComplete, Token);
        Assert.Equal(("inbound", "22", "11"), (inbound["direction"], inbound["bytes_sent"], inbound["bytes_recv"]));
        AssertIdentities(inbound);
        Assert.Equal(outbound["dst.hbone_addr"], inbound["dst.hbone_addr"]);
        Assert.Equal(by == "service" ? TestMesh.ServiceHostname : null, outbound["dst.service"]);
    }

    [Fact]
    public async Task E2_CapturedToUncaptured_IsPlainTcpWithoutIdentities()
    {
        (string, string)[] labels =
            [("reporter", "source"), ("destination_workload", "plain"), ("connection_security_policy", "unknown")];
        await using var server = PodServer.Start(topology.Plain, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        var since = topology.ClientProxy.Log.Count;
        var before = await TrafficCounters.ReadAsync(topology.ClientProxy, labels, Token);

        var reply = await RequestAsync(topology.Client, topology.Plain.IPv4, TestMesh.EchoPort);

        Assert.Equal("hello worldhello world", reply);
        Assert.Equal(topology.Client.IPv4, Assert.Single(server.Peers));
        await TrafficCounters.WaitForGrowthAsync(
            topology.ClientProxy, labels, before, new TrafficCounters(1, 1, 11, 22), Token);
        var line = await topology.ClientProxy.WaitForAccessAsync(since, IsComplete, Token);
        Assert.Equal(("11", "22"), (line["bytes_sent"], line["bytes_recv"]));
        Assert.Null(line["src.identity"]);
        Assert.Null(line["dst.identity"]);
        Assert.Null(line["dst.hbone_addr"]);
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task UncapturedToCaptured_PolicyAllows_ReachesTheApplicationFromItsOwnAddress(AddressFamily family)
    {
        await using var server = PodServer.Start(topology.Server, TestMesh.OpenPort, PodServer.EchoTwiceAsync);
        var since = topology.ServerProxy.Log.Count;

        var reply = await RequestAsync(topology.Plain, AddressOf(topology.Server, family), TestMesh.OpenPort);

        Assert.Equal("hello worldhello world", reply);
        Assert.Equal(AddressOf(topology.Plain, family), Assert.Single(server.Peers));
        var line = await topology.ServerProxy.WaitForAccessAsync(since, IsComplete, Token);
        Assert.Equal(("inbound", "22", "11"), (line["direction"], line["bytes_sent"], line["bytes_recv"]));
        Assert.Null(line["src.identity"]);
    }

    [Fact]
    public async Task UncapturedToCaptured_PolicyDenies_ClosesAndLogsWhy()
    {
        await using var server = PodServer.Start(topology.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        var since = topology.ServerProxy.Log.Count;

        await AssertRefusedAsync(topology.Plain, topology.Server.IPv4, TestMesh.EchoPort);

        var line = await topology.ServerProxy.WaitForAccessAsync(since, IsComplete, Token);
        Assert.Equal(
            "connection closed due to policy rejection: allow policies exist, but none allowed", line["error"]);
        Assert.Empty(server.Peers);
    }

    [Fact]
    public async Task E12_OpenConnection_CountsAsOpenedUntilTheClientLeaves()
    {
        (string, string)[] labels = [("reporter", "source"), .. TunnelLabels];
        await using var server = PodServer.Start(topology.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        var before = await TrafficCounters.ReadAsync(topology.ClientProxy, labels, Token);

        using (var socket = await topology.Client.ConnectAsync(topology.Server.IPv4, TestMesh.EchoPort, Token))
        {
            await socket.SendTextAsync("hello world", Token);
            Assert.Equal("hello worldhello world", await socket.ReceiveTextAsync(22, Token));
            await TrafficCounters.WaitForGrowthAsync(
                topology.ClientProxy, labels, before, new TrafficCounters(1, 0, 11, 22), Token);
        }

        await TrafficCounters.WaitForGrowthAsync(
            topology.ClientProxy, labels, before, new TrafficCounters(1, 1, 11, 22), Token);
    }

    [Fact]
    public async Task DeniedPort_ResetsTheClientAndNamesThePolicy()
    {
        await using var server = PodServer.Start(topology.Server, TestMesh.DeniedPort, PodServer.EchoTwiceAsync);
        var (atSource, atDestination) = (topology.ClientProxy.Log.Count, topology.ServerProxy.Log.Count);

        await AssertRefusedAsync(topology.Client, topology.Server.IPv4, TestMesh.DeniedPort);

        var outbound = await topology.ClientProxy.WaitForAccessAsync(atSource, IsComplete, Token);
        Assert.Equal("http status: 401 Unauthorized", outbound["error"]);
        var inbound = await topology.ServerProxy.WaitForAccessAsync(atDestination, IsComplete, Token);
        Assert.Equal("connection closed due to policy rejection: explicitly denied by: shop/no-7099", inbound["error"]);
        Assert.Empty(server.Peers);
    }

    [Fact]
    public async Task ClosedPort_ResetsTheClientAndSays503()
    {
        var (atSource, atDestination) = (topology.ClientProxy.Log.Count, topology.ServerProxy.Log.Count);

        await AssertRefusedAsync(topology.Client, topology.Server.IPv4, TestMesh.UnusedPort);

        var outbound = await topology.ClientProxy.WaitForAccessAsync(atSource, IsComplete, Token);
        Assert.Equal("http status: 503 Service Unavailable", outbound["error"]);
        var inbound = await topology.ServerProxy.WaitForAccessAsync(atDestination, IsComplete, Token);
        Assert.StartsWith("connection failed: ", inbound["error"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServiceWithoutEndpoints_IsRefusedBeforeAnyConnection()
    {
        var since = topology.ClientProxy.Log.Count;

        await AssertRefusedAsync(topology.Client, AddressPlan.Service4(2), TestMesh.ServicePort);

        var line = await topology.ClientProxy.WaitForAccessAsync(since, line => line["level"] == "warn", Token);
        Assert.Equal("connection failed", line["message"]);
        Assert.Equal("no healthy upstream: 10.96.0.2:80", line["error"]);
    }

    private static bool IsComplete(AccessLine line) => line["message"] == "connection complete";

    private static void AssertIdentities(AccessLine line)
    {
        Assert.Equal(TestMesh.ClientIdentity, line["src.identity"]);
        Assert.Equal(TestMesh.ServerIdentity, line["dst.identity"]);
        Assert.Null(line["error"]);
    }

    private static IPAddress AddressOf(Pod pod, AddressFamily family) =>
        family == AddressFamily.InterNetwork ? pod.IPv4 : pod.IPv6!;

    private static async Task<string> RequestAsync(Pod from, IPAddress address, int port)
    {
        using var socket = await from.ConnectAsync(address, port, Token);
        await socket.SendTextAsync("hello world", Token);
        socket.Shutdown(SocketShutdown.Send);
        return await socket.ReceiveToEndAsync(Token);
    }

    /// <summary>The proxy accepts before it knows, so refusal is a connection that breaks without an answer.</summary>
    private static async Task AssertRefusedAsync(Pod from, IPAddress address, int port)
    {
        using var socket = await from.ConnectAsync(address, port, Token);

        var e = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            await socket.SendTextAsync("hello world", Token);
            await socket.ReceiveTextAsync(1, Token);
            await socket.SendTextAsync("hello world", Token);
            await socket.ReceiveTextAsync(1, Token);
        });

        Assert.True(
            e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown,
            $"expected a reset, got {e.SocketErrorCode}");
    }

    private (IPAddress Address, int Port) Target(string by, AddressFamily family) => (by, family) switch
    {
        ("service", AddressFamily.InterNetwork) => (AddressPlan.Service4(1), TestMesh.ServicePort),
        ("service", _) => (AddressPlan.Service6(1), TestMesh.ServicePort),
        _ => (AddressOf(topology.Server, family), TestMesh.EchoPort),
    };
}
