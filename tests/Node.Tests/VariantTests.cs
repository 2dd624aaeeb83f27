using System.Net;
using System.Net.Sockets;
using Redirection.Rules;
using Ztunnel.Config;
using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>The same traffic over other set-ups than the default one.</summary>
public sealed class VariantTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(RuleBackend.Nftables)]
    [InlineData(RuleBackend.Iptables)]
    public async Task DedicatedProxies_CarryBothFamilies(RuleBackend backend)
    {
        await using var topology = new NodeTopology { Mode = ProxyMode.Dedicated, Backend = backend };
        await AssertCarriesBothFamiliesAsync(topology);
    }

    [Fact]
    public async Task IptablesRules_CarryBothFamilies()
    {
        await using var topology = new NodeTopology { Backend = RuleBackend.Iptables };
        await AssertCarriesBothFamiliesAsync(topology);
    }

    [Fact]
    public async Task PodsWithoutIPv6_AreServed()
    {
        await using var topology = new NodeTopology { Options = new TopologyOptions { IPv6 = false } };
        await topology.InitializeAsync();
        await using var server = PodServer.Start(topology.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);

        using var socket = await topology.Client.ConnectAsync(topology.Server.IPv4, TestMesh.EchoPort, Token);
        await socket.SendTextAsync("hello world", Token);
        socket.Shutdown(SocketShutdown.Send);

        Assert.Equal("hello worldhello world", await socket.ReceiveToEndAsync(Token));
        Assert.Equal(topology.Client.IPv4, Assert.Single(server.Peers));
    }

    /// <summary>By the tunnel, from the client's own address.</summary>
    private static async Task AssertCarriesBothFamiliesAsync(NodeTopology topology)
    {
        await topology.InitializeAsync();
        await using var server = PodServer.Start(topology.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        var since = topology.ServerProxy.Log.Count;

        foreach (var (to, from) in new[]
        {
            (topology.Server.IPv4, topology.Client.IPv4),
            (topology.Server.IPv6!, topology.Client.IPv6!),
        })
        {
            using var socket = await topology.Client.ConnectAsync(to, TestMesh.EchoPort, Token);
            await socket.SendTextAsync("hello world", Token);
            socket.Shutdown(SocketShutdown.Send);
            Assert.Equal("hello worldhello world", await socket.ReceiveToEndAsync(Token));
            Assert.Contains(from, server.Peers);
            await topology.ServerProxy.WaitForAccessAsync(
                since,
                line => line["src.identity"] == TestMesh.ClientIdentity
                    && line["src.addr"]!.StartsWith(new IPEndPoint(from, 0).ToString()[..^1], StringComparison.Ordinal),
                Token);
        }
    }
}
