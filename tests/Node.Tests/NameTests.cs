using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>
/// Names as applications resolve them, by the C library and the name server that the kubelet wrote into their resolv.conf, in pods
/// whose DNS is redirected (node-integration 7).
/// </summary>
public sealed class NameTests(NodeTopology pods) : IClassFixture<NodeTopology>
{
    private const string Outside = "db.example.com";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task NameOfTheMesh_IsAnsweredByTheProxyInBothFamilies()
    {
        var asked = pods.Names.Answered;

        var ipv4 = await ResolveAsync("ahostsv4", TestMesh.ServiceHostname);
        var ipv6 = await ResolveAsync("ahostsv6", TestMesh.ServiceHostname);

        Assert.StartsWith($"{AddressPlan.Service4(1)} ", ipv4.Output, StringComparison.Ordinal);
        Assert.StartsWith($"{AddressPlan.Service6(1)} ", ipv6.Output, StringComparison.Ordinal);
        Assert.Equal(asked, pods.Names.Answered);
    }

    [Fact]
    public async Task OtherName_IsForwardedAndCounted()
    {
        pods.Names.Add(Outside, pods.Plain.IPv4);
        var forwarded = await ForwardedAsync();

        var answer = await ResolveAsync("ahostsv4", Outside);

        Assert.StartsWith($"{pods.Plain.IPv4} ", answer.Output, StringComparison.Ordinal);
        Assert.InRange(await ForwardedAsync() - forwarded, 1, double.MaxValue);
    }

    [Fact]
    public async Task NameThatNobodyKnows_DoesNotExist()
    {
        const int NotFound = 2; // getent(1)
        var asked = pods.Names.Answered;

        var answer = await ResolveAsync("ahostsv4", "nobody.example.com");

        Assert.Equal((NotFound, ""), (answer.ExitCode, answer.Output));
        Assert.InRange(pods.Names.Answered, asked + 1, int.MaxValue);
    }

    private Task<CommandResult> ResolveAsync(string database, string name) =>
        pods.Client.Namespace.RunAsync(new ProcessSpec("getent", database, name), Token);

    private async Task<double> ForwardedAsync() => (await pods.ClientProxy.ReadMetricsAsync(Token))
        .Where(sample => sample.Name == "istio_dns_upstream_requests_total")
        .Sum(sample => sample.Value);
}
