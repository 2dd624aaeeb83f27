using System.Text.Json.Nodes;

namespace Node.Tests;

/// <summary>The inbound HBONE port as an independent HTTP/2 client sees it; data-path 4.3 and 13, I1 to I12.</summary>
public sealed class HboneTests(NodeTopology topology) : IClassFixture<NodeTopology>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task I1_AuthorityOfThePod_ReachesTheApplication()
    {
        await using var server = PodServer.Start(topology.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);

        var answer = await ConnectAsync($"{topology.Server.IPv4}:{TestMesh.EchoPort}", TestMesh.ClientIdentity);

        Assert.Equal(200, answer.Status);
        Assert.Equal("hello worldhello world", answer.Body);
        Assert.Contains("k8s.cluster.name=Kubernetes", answer.Headers["baggage"], StringComparison.Ordinal);
        Assert.Equal(topology.Plain.IPv4, Assert.Single(server.Peers));
    }

    [Fact]
    public async Task I11_AuthorityOfTheService_ReachesTheTargetPort()
    {
        await using var server = PodServer.Start(topology.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);

        var answer = await ConnectAsync($"{TestMesh.ServiceHostname}:{TestMesh.ServicePort}", TestMesh.ClientIdentity);

        Assert.Equal(200, answer.Status);
        Assert.Equal("hello worldhello world", answer.Body);
    }

    [Fact]
    public async Task I9_R7_IdentityWithoutAllowance_Is401()
    {
        await using var server = PodServer.Start(topology.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        var since = topology.ServerProxy.Log.Count;

        var answer = await ConnectAsync(
            $"{topology.Server.IPv4}:{TestMesh.EchoPort}", "spiffe://cluster.local/ns/other/sa/stranger");

        AssertRefused(401, answer);
        var line = await topology.ServerProxy.WaitForAccessAsync(since, line => line["error"] is not null, Token);
        Assert.Equal(
            "connection closed due to policy rejection: allow policies exist, but none allowed", line["error"]);
        Assert.Equal("spiffe://cluster.local/ns/other/sa/stranger", line["src.identity"]);
        Assert.Empty(server.Peers);
    }

    [Fact]
    public async Task I10_AuthorityOfAnotherPod_Is400()
    {
        var since = topology.ServerProxy.Log.Count;

        var answer = await ConnectAsync($"{topology.Plain.IPv4}:{TestMesh.EchoPort}", TestMesh.ClientIdentity);

        AssertRefused(400, answer);
        var line = await topology.ServerProxy.WaitForAccessAsync(since, line => line["error"] is not null, Token);
        Assert.Equal("connection failed", line["message"]);
        Assert.Equal($"ip mismatch: {topology.Server.IPv4} != {topology.Plain.IPv4}", line["error"]);
    }

    [Theory]
    [InlineData(15001)]
    [InlineData(15006)]
    [InlineData(15008)]
    public async Task AuthorityOfTheProxyItself_Is503(int port)
    {
        var since = topology.ServerProxy.Log.Count;

        var answer = await ConnectAsync($"{topology.Server.IPv4}:{port}", TestMesh.ClientIdentity);

        AssertRefused(503, answer);
        var line = await topology.ServerProxy.WaitForAccessAsync(since, line => line["error"] is not null, Token);
        Assert.Equal("attempted recursive call to ourselves", line["error"]);
    }

    [Fact]
    public async Task UnknownHostname_Is503()
    {
        var since = topology.ServerProxy.Log.Count;

        var answer = await ConnectAsync("nowhere.example.com:80", TestMesh.ClientIdentity);

        AssertRefused(503, answer);
        var line = await topology.ServerProxy.WaitForAccessAsync(since, line => line["error"] is not null, Token);
        Assert.Equal("no service or workload for hostname: nowhere.example.com", line["error"]);
    }

    [Fact]
    public async Task OtherMethodThanConnect_Is400()
    {
        var since = topology.ServerProxy.Log.Count;
        var headers = new JsonObject
        {
            [":method"] = "GET",
            [":scheme"] = "https",
            [":path"] = "/",
            [":authority"] = $"{topology.Server.IPv4}:{TestMesh.EchoPort}",
        };

        var answer = await HboneAnswer.RequestAsync(
            topology.Plain, topology.Server.IPv4, headers, Issue(TestMesh.ClientIdentity), Token);

        AssertRefused(400, answer);
        var line = await topology.ServerProxy.WaitForAccessAsync(since, line => line["error"] is not null, Token);
        Assert.Equal("expected method CONNECT, got GET", line["error"]);
    }

    [Fact]
    public async Task I12_T13_CertificateOfAnotherTrustDomain_GetsNoAnswer()
    {
        var since = topology.ServerProxy.Log.Count;

        var answer = await ConnectAsync(
            $"{topology.Server.IPv4}:{TestMesh.EchoPort}", "spiffe://elsewhere.example/ns/default/sa/client");

        Assert.Null(answer.Status);
        Assert.NotNull(answer.Error);
        var line = await topology.ServerProxy.WaitForAccessAsync(since, line => line["error"] is not null, Token);
        Assert.StartsWith("tls handshake error: ", line["error"], StringComparison.Ordinal);
    }

    private static void AssertRefused(int status, HboneAnswer answer)
    {
        Assert.Equal(status, answer.Status);
        Assert.Equal("", answer.Body);
        Assert.DoesNotContain("baggage", answer.Headers.Keys);
    }

    private CertificateFiles Issue(string identity) => CertificateFiles.Issue(topology.AuthorityFolder, identity);

    private Task<HboneAnswer> ConnectAsync(string authority, string identity) =>
        HboneAnswer.ConnectAsync(topology.Plain, topology.Server.IPv4, authority, Issue(identity), Token);
}
