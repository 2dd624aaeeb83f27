using System.Net;
using System.Net.Sockets;
using Node.Tests.Networks;
using Ztunnel.Demo;

namespace Node.Tests.Hosts;

/// <summary>Workloads with a name and no address, from the application on; data-path 2.3, and 13, E3, E4 and E11.</summary>
[Collection<HostCollection>]
public sealed class HostTests(HostNode node)
{
    private const string Hello = "hello world";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The dialled family is preferred.</summary>
    [Theory]
    [InlineData("plain", AddressFamily.InterNetwork)]
    [InlineData("plain", AddressFamily.InterNetworkV6)]
    [InlineData("tunnelled", AddressFamily.InterNetwork)]
    [InlineData("tunnelled", AddressFamily.InterNetworkV6)]
    public async Task Service_OfANamedWorkload_IsReachedAndCounted(string service, AddressFamily family)
    {
        var isTunnelled = service == "tunnelled";
        var pod = isTunnelled ? node.Server : node.Plain;
        var address = family == AddressFamily.InterNetwork ? pod.IPv4 : pod.IPv6!;
        await using var server = PodServer.Start(pod, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        var before = await node.CountAsync($"{service}.example.com", Token);
        using var dialled = await node.DialAsync(service, family, Token);

        Assert.Equal(Hello + Hello, await dialled.AskAsync(Hello, Token));

        var line = await dialled.LineAsync(Token);
        var target = new IPEndPoint(address, TestMesh.EchoPort).ToString();
        Assert.Equal(
            (isTunnelled ? new IPEndPoint(address, 15008).ToString() : target, isTunnelled ? target : null),
            (line["dst.addr"], line["dst.hbone_addr"]));
        Assert.Equal(
            (service, HostMesh.HostnameOf(service), isTunnelled ? FarServices.ServerIdentity : null, null),
            (line["dst.workload"], line["dst.service"], line["dst.identity"], line["error"]));
        Assert.Equal(before + 1, await node.CountAsync($"{service}.example.com", Token));
    }

    [Fact]
    public async Task NameWithTheOtherFamilyOnly_ThatIsUsed()
    {
        await using var server = PodServer.Start(node.Plain, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        using var dialled = await node.DialAsync("only6", AddressFamily.InterNetwork, Token);

        Assert.Equal(Hello + Hello, await dialled.AskAsync(Hello, Token));

        Assert.Equal(
            new IPEndPoint(node.Plain.IPv6!, TestMesh.EchoPort).ToString(), (await dialled.LineAsync(Token))["dst.addr"]);
    }

    [Theory]
    [InlineData("nobody", "no ip addresses were resolved for workload: {0}")]
    [InlineData("empty", "ip addresses were resolved for workload {0}, but valid dns response had no A/AAAA records")]
    public async Task NameWithoutAddress_IsRefusedAndCounted(string service, string error)
    {
        foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
        {
            var before = await node.CountAsync($"{service}.example.com", Token);
            using var dialled = await node.DialAsync(service, family, Token);

            Assert.Equal("", await dialled.Socket.ReceiveToEndAsync(Token));

            var line = await dialled.LineAsync(Token);
            Assert.Equal(
                ("connection failed", error.Replace("{0}", HostMesh.UidOf(service), StringComparison.Ordinal)),
                (line["message"], line["error"]));
            Assert.Equal(before + 1, await node.CountAsync($"{service}.example.com", Token));
        }
    }

    /// <summary>Whoever answers for the name has to be the workload all the same.</summary>
    [Fact]
    public async Task NameThatLeadsToSomebodyElse_IsNotBelieved()
    {
        using var dialled = await node.DialAsync("impostor", AddressFamily.InterNetwork, Token);

        Assert.Equal("", await dialled.Socket.ReceiveToEndAsync(Token));

        Assert.Equal(
            "io error: invalid peer certificate: identity verification error: peer did not present the expected SAN "
                + $"(spiffe://cluster.local/ns/shop/sa/impostor), got {FarServices.ServerIdentity}",
            (await dialled.LineAsync(Token))["error"]);
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task E3_Waypoint_ThatHasANameOnly_IsTunnelledThrough(AddressFamily family)
    {
        await using var server = PodServer.Start(node.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        using var dialled = await node.DialAsync("via", family, Token);

        Assert.Equal(Hello + Hello, await dialled.AskAsync(Hello, Token));

        var line = await dialled.LineAsync(Token);
        var waypoint = family == AddressFamily.InterNetwork ? node.WaypointPod.IPv4 : node.WaypointPod.IPv6!;
        Assert.Equal(
            (new IPEndPoint(waypoint, 15008).ToString(), new IPEndPoint(HostNode.VipOf("via", family), 80).ToString()),
            (line["dst.addr"], line["dst.hbone_addr"]));
        Assert.Equal(("waypoint", HostMesh.WaypointIdentity), (line["dst.workload"], line["dst.identity"]));
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task E4_Gateway_ThatHasANameOnly_IsTunnelledThrough(AddressFamily family)
    {
        using var dialled = await node.DialAsync("far", family, Token);

        Assert.Equal(Hello, await dialled.AskAsync(Hello, Token));

        var line = await dialled.LineAsync(Token);
        var gateway = family == AddressFamily.InterNetwork ? node.GatewayPod.IPv4 : node.GatewayPod.IPv6!;
        Assert.Equal(
            (new IPEndPoint(gateway, 15008).ToString(), $"{HostMesh.HostnameOf("far")}:80"),
            (line["dst.addr"], line["dst.hbone_addr"]));
        Assert.Equal(("peer", FarServices.PeerIdentity), (line["dst.workload"], line["dst.identity"]));
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("tunnelled")]
    public async Task E11_A8_Netcat_TwiceToANamedWorkload_CountsTwice(string service)
    {
        var pod = service == "tunnelled" ? node.Server : node.Plain;
        await using var server = PodServer.Start(pod, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        var before = await node.CountAsync($"{service}.example.com", Token);
        var spec = new ProcessSpec(
            "nc", "-N", "-w", "10", "-X", "5", "-x", "127.0.0.1:15080", HostMesh.HostnameOf(service), "80")
        {
            Input = Hello,
        };

        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(Hello + Hello, (await node.Client.Namespace.RunAsync(spec, Token)).Succeeded().Output);
        }

        Assert.Equal(before + 2, await node.CountAsync($"{service}.example.com", Token));
    }
}
