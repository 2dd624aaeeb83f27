using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Node.Tests.InPod;

/// <summary>A certificate that is revoked on nodes that serve several identities; node-integration 8, N22.</summary>
public sealed class NodeRevocationTests : IAsyncLifetime
{
    private readonly RevocationFile _file = new();
    private readonly TwoNodes _nodes;

    public NodeRevocationTests() => _nodes = new TwoNodes { Variables = [("CRL_PATH", _file.Path)] };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _nodes.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        await _nodes.DisposeAsync();
        _file.Dispose();
    }

    [Fact]
    public async Task N22_ClientRevoked_ItsTunnelsAreCutAndRefusedAndOthersAreNot()
    {
        await using var server = PodServer.Start(_nodes.Remote.Pod, TwoNodes.OpenPort, PodServer.EchoTwiceAsync);
        using var byIpv4 = await OpenAsync(_nodes.Client, AddressFamily.InterNetwork);
        using var byIpv6 = await OpenAsync(_nodes.Client, AddressFamily.InterNetworkV6);
        using var other = await OpenAsync(_nodes.Local, AddressFamily.InterNetwork);

        _file.Revoke(_nodes.AuthorityFolder, await SerialAsync(_nodes.Near, _nodes.Client));

        await AssertCutAsync(byIpv4, byIpv6);
        await AssertRefusedAsync();
        await EchoCalls.ExchangeAsync(other);
        Assert.True(await RejectionsAsync(_nodes.Far, "destination") > 0);
        Assert.Equal(0, await RejectionsAsync(_nodes.Near, "source"));
    }

    [Fact]
    public async Task N22_ServerRevoked_TunnelsToItAreCutAndRefusedAndOthersAreNot()
    {
        await using var server = PodServer.Start(_nodes.Remote.Pod, TwoNodes.OpenPort, PodServer.EchoTwiceAsync);
        await using var near = PodServer.Start(_nodes.Local.Pod, TwoNodes.OpenPort, PodServer.EchoTwiceAsync);
        using var byIpv4 = await OpenAsync(_nodes.Client, AddressFamily.InterNetwork);
        using var byIpv6 = await OpenAsync(_nodes.Client, AddressFamily.InterNetworkV6);
        using var other = await _nodes.Client.ConnectAsync(_nodes.Local.Pod.IPv6!, TwoNodes.OpenPort, Token);
        await EchoCalls.ExchangeAsync(other);

        _file.Revoke(_nodes.AuthorityFolder, await SerialAsync(_nodes.Far, _nodes.Remote));

        await AssertCutAsync(byIpv4, byIpv6);
        await AssertRefusedAsync();
        await EchoCalls.ExchangeAsync(other);
        Assert.True(await RejectionsAsync(_nodes.Near, "source") > 0);
        Assert.Equal(0, await RejectionsAsync(_nodes.Far, "destination"));
    }

    // Within ten seconds of the change of the file.
    private static async Task AssertCutAsync(params Socket[] connections)
    {
        foreach (var connection in connections)
        {
            Assert.Equal("", await EchoCalls.EndOfAsync(connection).WaitAsync(TimeSpan.FromSeconds(10), Token));
        }
    }

    private static async Task<byte[]> SerialAsync(ServedNode node, MeshPod pod)
    {
        var dump = await node.Proxy.ConfigDumpAsync(Token);
        var entry = Assert.Single(
            dump["certificates"]!.AsArray(), entry => entry!["identity"]!.GetValue<string>() == pod.Identity);
        var pem = Convert.FromBase64String(entry!["certChain"]![0]!["pem"]!.GetValue<string>());
        using var leaf = X509Certificate2.CreateFromPem(Encoding.ASCII.GetString(pem));
        return leaf.SerialNumberBytes.ToArray();
    }

    private static Task<double> RejectionsAsync(ServedNode node, string reporter) => node.Proxy.SumAsync(
        "istio_crl_policy_rejections_total", [("reporter", reporter)], Token);

    private async Task AssertRefusedAsync()
    {
        foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
        {
            using var late = await _nodes.Client.ConnectAsync(_nodes.Remote, family, TwoNodes.OpenPort, Token);
            Assert.Equal("", await EchoCalls.EndOfAsync(late, EchoCalls.Hello));
        }
    }

    private async Task<Socket> OpenAsync(MeshPod client, AddressFamily family)
    {
        var connection = await client.ConnectAsync(_nodes.Remote, family, TwoNodes.OpenPort, Token);
        await EchoCalls.ExchangeAsync(connection);
        return connection;
    }
}
