using System.Net;
using System.Net.Sockets;

namespace Node.Tests.InPod;

/// <summary>
/// What an independent HBONE client is answered by one pod among several of a proxy; node-integration 8, N10 to N13.
/// </summary>
[Collection<TwoNodesCollection>]
public sealed class InboundTunnelTests(TwoNodes nodes)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task N10_AuthorityOfAnotherPodOfTheSameProxy_Is400(AddressFamily family)
    {
        var since = nodes.Near.Proxy.Process.Output.Count;

        var answer = await ConnectAsync(
            nodes.Local, family, Authority(nodes.Twin.AddressOf(family), TwoNodes.EchoPort), nodes.Client.Identity);

        Assert.Equal((400, ""), (answer.Status, answer.Body));
        Assert.Equal(
            $"ip mismatch: {nodes.Local.AddressOf(family)} != {nodes.Twin.AddressOf(family)}", await ErrorAsync(since));
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task N11_PolicyAllowsOthersOnly_Is401(AddressFamily family)
    {
        await using var server = PodServer.Start(nodes.Local.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        var since = nodes.Near.Proxy.Process.Output.Count;

        var answer = await ConnectAsync(
            nodes.Local,
            family,
            Authority(nodes.Local.AddressOf(family), TwoNodes.EchoPort),
            "spiffe://cluster.local/ns/other/sa/stranger");

        Assert.Equal((401, ""), (answer.Status, answer.Body));
        Assert.Equal(
            "connection closed due to policy rejection: allow policies exist, but none allowed", await ErrorAsync(since));
        Assert.Empty(server.Peers);
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task N12_CertificateOfAnotherTrustDomain_GetsNoAnswer(AddressFamily family)
    {
        var since = nodes.Near.Proxy.Process.Output.Count;

        var answer = await ConnectAsync(
            nodes.Local,
            family,
            Authority(nodes.Local.AddressOf(family), TwoNodes.EchoPort),
            "spiffe://elsewhere.example/ns/default/sa/client");

        Assert.Null(answer.Status);
        Assert.NotNull(answer.Error);
        Assert.StartsWith("tls handshake error: ", await ErrorAsync(since), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(TwoNodes.ServicePort, AddressFamily.InterNetwork)]
    [InlineData(TwoNodes.ServicePort, AddressFamily.InterNetworkV6)]
    [InlineData(TwoNodes.NamedServicePort, AddressFamily.InterNetwork)]
    [InlineData(TwoNodes.NamedServicePort, AddressFamily.InterNetworkV6)]
    public async Task N13_AuthorityOfTheService_ReachesTheTargetPort(int port, AddressFamily family)
    {
        await using var server = PodServer.Start(nodes.Local.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);

        var answer = await ConnectAsync(
            nodes.Local, family, FormattableString.Invariant($"{TwoNodes.ServiceHostname}:{port}"), nodes.Client.Identity);

        Assert.Equal((200, EchoCalls.Answer), (answer.Status, answer.Body));
        Assert.Equal(nodes.Plain.AddressOf(family), Assert.Single(server.Peers));
    }

    private static string Authority(IPAddress address, int port) => new IPEndPoint(address, port).ToString();

    private Task<HboneAnswer> ConnectAsync(MeshPod to, AddressFamily family, string authority, string identity) =>
        HboneAnswer.ConnectAsync(
            nodes.Plain.Pod, to.AddressOf(family), authority, CertificateFiles.Issue(nodes.AuthorityFolder, identity), Token);

    private async Task<string?> ErrorAsync(long since) =>
        (await nodes.Near.Proxy.WaitForAccessAsync(since, line => line["error"] is not null, Token))["error"];
}
