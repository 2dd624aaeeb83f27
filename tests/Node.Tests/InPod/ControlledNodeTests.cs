using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests.InPod;

/// <summary>
/// What needs a control plane that serves the proxies of two nodes; node-integration 8, N8 and N20, data-path 13, E6 and E10.
/// </summary>
public sealed class ControlledNodeTests(ControlledNodes nodes) : IClassFixture<ControlledNodes>
{
    private const int ServiceCalls = 50;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task N8_E6_Service_ReachesBothEndpointsEachConnectionOne(AddressFamily family)
    {
        var address = family == AddressFamily.InterNetwork ? AddressPlan.Service4(1) : AddressPlan.Service6(1);
        await using var local = PodServer.Start(nodes.Local.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        await using var remote = PodServer.Start(nodes.Remote.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        (string, string)[] labels =
        [
            ("source_workload", "client"), ("destination_service", TwoNodes.ServiceHostname),
            ("destination_service_name", "echo"), ("destination_service_namespace", "shop"),
        ];
        var source = await TrafficWatch.StartAsync(nodes.Near.Proxy, [("reporter", "source"), .. labels]);
        var atLocal = await TrafficWatch.StartAsync(nodes.Near.Proxy, [("reporter", "destination"), .. labels]);
        var atRemote = await TrafficWatch.StartAsync(nodes.Far.Proxy, [("reporter", "destination"), .. labels]);

        for (var i = 1; i <= ServiceCalls; i++)
        {
            Assert.Equal(EchoCalls.Answer, await nodes.Client.AskAsync(address, TwoNodes.ServicePort));
            Assert.Equal(i, local.Peers.Count + remote.Peers.Count);
        }

        var (here, there) = (local.Peers.Count, remote.Peers.Count);
        Assert.NotEqual(0, here);
        Assert.NotEqual(0, there);
        await source.WaitForAsync(ServiceCalls, ServiceCalls, ServiceCalls * 11, ServiceCalls * 22);
        await atLocal.WaitForAsync(here, here, here * 11, here * 22);
        await atRemote.WaitForAsync(there, there, there * 11, there * 22);
    }

    [Fact]
    public async Task N20_E10_Certificates_AreThoseOfTheNodesIdentitiesFetchedOnce()
    {
        await using var server = PodServer.Start(nodes.Local.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        Assert.Contains(nodes.Remote.Identity, await IdentitiesAsync(nodes.Far));
        Assert.DoesNotContain(nodes.Client.Identity, await IdentitiesAsync(nodes.Far));
        string[] ofNear = [nodes.Client.Identity, nodes.Near.ProxyPod.Identity, nodes.Local.Identity];
        Assert.Equal(ofNear, await IdentitiesAsync(nodes.Near));

        Assert.Equal(EchoCalls.Answer, await nodes.Client.AskAsync(nodes.Local.Pod.IPv4, TwoNodes.EchoPort));
        Assert.Equal(EchoCalls.Answer, await nodes.Twin.AskAsync(nodes.Local.Pod.IPv6!, TwoNodes.EchoPort));

        Assert.Equal(ofNear, await IdentitiesAsync(nodes.Near));
        Assert.All([nodes.Client, nodes.Local, nodes.Remote], pod => Assert.Equal(1, Signed(pod)));

        // The one that is left still has it; with the last one it goes.
        await nodes.ApplyAsync(nodes.Mesh(nodes.Twin, nodes.Local), Token);
        await nodes.Near.WithdrawAsync(nodes.Local, Token);
        await EchoCalls.UntilAsync(
            async () => (await IdentitiesAsync(nodes.Near)).SequenceEqual(ofNear.SkipLast(1)), "the certificate is forgotten");
        Assert.Equal(1, Signed(nodes.Client));

        await nodes.ApplyAsync(nodes.Mesh(), Token);
        await nodes.Near.EnrolAsync(nodes.Local, Token);
        Assert.Equal(EchoCalls.Answer, await nodes.Twin.AskAsync(nodes.Local.Pod.IPv4, TwoNodes.EchoPort));
        Assert.Equal((1, 2), (Signed(nodes.Client), Signed(nodes.Local)));
    }

    private static async Task<string[]> IdentitiesAsync(ServedNode node)
    {
        var dump = await node.Proxy.ConfigDumpAsync(Token);
        return [.. dump["certificates"]!.AsArray().Select(entry => entry!["identity"]!.GetValue<string>())];
    }

    /// <summary>How often the control plane has signed a certificate for the pod's identity.</summary>
    private int Signed(MeshPod pod) => nodes.ControlPlane.Log.Since(0).Count(line => line == $"certificate for {pod.Identity}");
}
