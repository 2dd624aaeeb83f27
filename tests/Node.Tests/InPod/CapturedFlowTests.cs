using System.Net;
using System.Net.Sockets;
using Redirection;
using Redirection.Rules;

namespace Node.Tests.InPod;

/// <summary>
/// Connections between pods of one node and of two, served by one proxy for each node; node-integration 8, N1 to N5,
/// data-path 13, E1, E2 and E12.
/// </summary>
[Collection<TwoNodesCollection>]
public sealed class CapturedFlowTests(TwoNodes nodes)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("local", AddressFamily.InterNetwork)]
    [InlineData("local", AddressFamily.InterNetworkV6)]
    [InlineData("remote", AddressFamily.InterNetwork)]
    [InlineData("remote", AddressFamily.InterNetworkV6)]
    public async Task N1_N3_E1_CapturedToCaptured_BothSidesReportIt(string name, AddressFamily family)
    {
        var (to, node) = name == "local" ? (nodes.Local, nodes.Near) : (nodes.Remote, nodes.Far);
        await using var server = PodServer.Start(to.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        var (atSource, atDestination) = (nodes.Near.Proxy.Process.Output.Count, node.Proxy.Process.Output.Count);
        (string, string)[] labels =
        [
            ("source_workload", "client"), ("source_principal", nodes.Client.Identity),
            ("destination_workload", name), ("destination_principal", to.Identity),
            ("connection_security_policy", "mutual_tls"),
        ];
        var source = await TrafficWatch.StartAsync(nodes.Near.Proxy, [("reporter", "source"), .. labels]);
        var destination = await TrafficWatch.StartAsync(node.Proxy, [("reporter", "destination"), .. labels]);

        var reply = await nodes.Client.AskAsync(to.AddressOf(family), TwoNodes.EchoPort);

        Assert.Equal(EchoCalls.Answer, reply);
        Assert.Equal(nodes.Client.AddressOf(family), Assert.Single(server.Peers));
        await source.WaitForAsync(opened: 1, closed: 1, received: 11, sent: 22);
        await destination.WaitForAsync(opened: 1, closed: 1, received: 11, sent: 22);
        var outbound = await nodes.Near.Proxy.WaitForAccessAsync(atSource, IsEndOf("outbound", to), Token);
        Assert.Equal(("11", "22"), (outbound["bytes_sent"], outbound["bytes_recv"]));
        AssertIdentities(outbound, to);
        var inbound = await node.Proxy.WaitForAccessAsync(atDestination, IsEndOf("inbound", to), Token);
        Assert.Equal(("22", "11"), (inbound["bytes_sent"], inbound["bytes_recv"]));
        AssertIdentities(inbound, to);
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task N2_E2_CapturedToUncaptured_IsPlainTcpWithoutIdentities(AddressFamily family)
    {
        await using var server = PodServer.Start(nodes.Plain.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        var since = nodes.Near.Proxy.Process.Output.Count;
        var watch = await TrafficWatch.StartAsync(
            nodes.Near.Proxy,
            ("reporter", "source"),
            ("source_workload", "client"),
            ("destination_workload", "plain"),
            ("connection_security_policy", "unknown"));

        var reply = await nodes.Client.AskAsync(nodes.Plain.AddressOf(family), TwoNodes.EchoPort);

        Assert.Equal(EchoCalls.Answer, reply);
        Assert.Equal(nodes.Client.AddressOf(family), Assert.Single(server.Peers));
        await watch.WaitForAsync(opened: 1, closed: 1, received: 11, sent: 22);
        var line = await nodes.Near.Proxy.WaitForAccessAsync(since, IsEndOf("outbound", nodes.Plain), Token);
        Assert.Equal(("11", "22"), (line["bytes_sent"], line["bytes_recv"]));
        Assert.Null(line["src.identity"]);
        Assert.Null(line["dst.identity"]);
        Assert.Null(line["dst.hbone_addr"]);
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task N3_UncapturedToCaptured_ApplicationSeesTheClientsAddress(AddressFamily family)
    {
        foreach (var (to, node) in new[] { (nodes.Local, nodes.Near), (nodes.Remote, nodes.Far) })
        {
            await using var server = PodServer.Start(to.Pod, TwoNodes.OpenPort, PodServer.EchoTwiceAsync);
            var since = node.Proxy.Process.Output.Count;

            var reply = await nodes.Plain.AskAsync(to.AddressOf(family), TwoNodes.OpenPort);

            Assert.Equal(EchoCalls.Answer, reply);
            Assert.Equal(nodes.Plain.AddressOf(family), Assert.Single(server.Peers));
            var line = await node.Proxy.WaitForAccessAsync(since, IsEndOf("inbound", to), Token);
            Assert.Equal(("22", "11"), (line["bytes_sent"], line["bytes_recv"]));
            Assert.Null(line["src.identity"]);
        }
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task N4_ProbeOfTheNode_PassesByTheProxyAndNothingElseDoes(AddressFamily family)
    {
        var probe = IPAddress.Parse(
            family == AddressFamily.InterNetwork ? "169.254.7.127" : "fd16:9254:7127:1337:ffff:ffff:ffff:ffff");
        var address = nodes.Local.AddressOf(family);
        await using var server = PodServer.Start(nodes.Local.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        using var netns = Netns.Open(nodes.Near.Node.Namespace.Path);
        var applier = new HostProbeRulesApplier(netns, RuleBackend.Nftables);
        var all = await TrafficWatch.StartAsync(nodes.Near.Proxy, ("reporter", "destination"));

        await applier.ApplyAsync(new HostProbeRules { PodAddresses = [address] }, Token);
        try
        {
            using var probing = await nodes.Near.Node.Namespace.ConnectAsync(address, TwoNodes.EchoPort, Token);
            await EchoCalls.ExchangeAsync(probing); // a policy would have refused it
            Assert.Equal(probe, Assert.Single(server.Peers));
            await all.WaitForAsync(0, 0, 0, 0);
        }
        finally
        {
            await applier.RemoveAsync(Token);
        }

        var since = nodes.Near.Proxy.Process.Output.Count;
        using var other = await nodes.Near.Node.Namespace.ConnectAsync(address, TwoNodes.EchoPort, Token);
        Assert.Equal("", await EchoCalls.EndOfAsync(other, EchoCalls.Hello));
        var line = await nodes.Near.Proxy.WaitForAccessAsync(since, IsEndOf("inbound", nodes.Local), Token);
        Assert.EndsWith("allow policies exist, but none allowed", line["error"], StringComparison.Ordinal);
        Assert.Single(server.Peers);
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork, false)]
    [InlineData(AddressFamily.InterNetwork, true)]
    [InlineData(AddressFamily.InterNetworkV6, false)]
    [InlineData(AddressFamily.InterNetworkV6, true)]
    public async Task N5_OwnAddressAndLoopback_AreNotCaptured(AddressFamily family, bool byLoopback)
    {
        var loopback = family == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback;
        var address = byLoopback ? loopback : nodes.Client.AddressOf(family);
        using var listener = nodes.Client.Pod.Listen(TwoNodes.EchoPort);
        var accepting = listener.AcceptAsync(Token).AsTask();

        using var client = await nodes.Client.ConnectAsync(address, TwoNodes.EchoPort, Token);
        using var accepted = await accepting.WaitAsync(TimeSpan.FromSeconds(20), Token);

        // The very connection: a proxy between them would have a port of its own.
        var (seen, own) = ((IPEndPoint)accepted.RemoteEndPoint!, (IPEndPoint)client.LocalEndPoint!);
        Assert.Equal((own.Address, own.Port), (seen.Address.Unmapped(), seen.Port));
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task E12_OpenConnection_CountsAsOpenedUntilTheClientLeaves(AddressFamily family)
    {
        await using var server = PodServer.Start(nodes.Remote.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        (string, string)[] labels = [("source_workload", "twin"), ("destination_workload", "remote")];
        var source = await TrafficWatch.StartAsync(nodes.Near.Proxy, [("reporter", "source"), .. labels]);
        var destination = await TrafficWatch.StartAsync(nodes.Far.Proxy, [("reporter", "destination"), .. labels]);

        using (var socket = await nodes.Twin.ConnectAsync(nodes.Remote, family, TwoNodes.EchoPort, Token))
        {
            await EchoCalls.ExchangeAsync(socket);
            await source.WaitForAsync(opened: 1, closed: 0, received: 11, sent: 22);
            await destination.WaitForAsync(opened: 1, closed: 0, received: 11, sent: 22);
        }

        await source.WaitForAsync(opened: 1, closed: 1, received: 11, sent: 22);
        await destination.WaitForAsync(opened: 1, closed: 1, received: 11, sent: 22);
    }

    private static Func<AccessLine, bool> IsEndOf(string direction, MeshPod to) => line =>
        line["message"] == "connection complete"
        && line["direction"] == direction
        && line["dst.workload"] == to.Pod.Name;

    private void AssertIdentities(AccessLine line, MeshPod to)
    {
        Assert.Equal(nodes.Client.Identity, line["src.identity"]);
        Assert.Equal(to.Identity, line["dst.identity"]);
        Assert.Null(line["error"]);
    }
}
