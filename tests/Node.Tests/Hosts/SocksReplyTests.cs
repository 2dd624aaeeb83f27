using System.Text.RegularExpressions;
using Ztunnel.Demo;

namespace Node.Tests.Hosts;

/// <summary>What a client that is none of ours is told by port 15080; RFC 1928 section 6, data-path 14.33.</summary>
[Collection<HostCollection>]
public sealed partial class SocksReplyTests(HostNode node)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>By address, so that curl is told about that one.</summary>
    [Theory]
    [InlineData("unused port", 5)]
    [InlineData("unused port, IPv6", 5)]
    [InlineData(HostNode.NoWay, 3)]
    [InlineData("[" + HostNode.NoWay6 + "]", 3)]
    [InlineData(HostNode.Nobody, 4)]
    [InlineData(HostNode.Blackhole, 6)]
    [InlineData(HostNode.Prohibited, 2)]
    [InlineData("impostor", 1)] // who answers is not whom we want
    [InlineData("nobody", 4)] // a workload whose name does not exist
    [InlineData("empty", 4)] // a workload whose name has no address
    [InlineData("late", 6)] // a workload whose name leads nowhere
    public async Task Curl_IsToldWhy(string target, int code)
    {
        var host = target switch
        {
            "unused port" => $"{node.Plain.IPv4}",
            "unused port, IPv6" => $"[{node.Plain.IPv6}]",
            _ when HostMesh.Services.ContainsKey(target) => HostMesh.HostnameOf(target),
            _ => target,
        };

        Assert.Equal(code, await CodeAsync($"{host}:80"));
    }

    /// <summary>Both families of a name are tried, the other one when one leads nowhere, is refused or stays silent.</summary>
    [Theory]
    [InlineData("plain")]
    [InlineData("no-way-4")]
    [InlineData("no-way-6")]
    [InlineData("late-4")]
    [InlineData("only6")]
    public async Task Netcat_ByAName_FindsTheFamilyThatAnswers(string name)
    {
        await using var server = PodServer.Start(node.Plain, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        var spec = new ProcessSpec(
            "nc", "-N", "-w", "10", "-X", "5", "-x", "127.0.0.1:15080", $"{name}.example.com", "7007")
        {
            Input = "hello world",
        };

        Assert.Equal(
            "hello worldhello world", (await node.Client.Namespace.RunAsync(spec, Token)).Succeeded().Output);
    }

    /// <summary>When both fail, the family that the client has no way to says nothing about the name.</summary>
    [Theory]
    [InlineData("no-way-4", 5)]
    [InlineData("no-way-6", 5)]
    [InlineData("no-way-at-all", 3)]
    [InlineData("who-is-this", 4)]
    public async Task Curl_ByAName_IsToldWhatSaysMost(string name, int code) =>
        Assert.Equal(code, await CodeAsync($"{name}.example.com:7100"));

    private async Task<int> CodeAsync(string authority)
    {
        var spec = new ProcessSpec(
            "curl", "-sS", "-g", "--max-time", "15", "--socks5-hostname", "127.0.0.1:15080", $"http://{authority}/");
        var result = await node.Client.Namespace.RunAsync(spec, Token);
        var code = Reply().Match(result.Error);
        Assert.True(result.ExitCode == 97 && code.Success, $"{result.ExitCode}: {result.Error} {result.Output}");
        return int.Parse(code.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"\((\d+)\)\s*$")]
    private static partial Regex Reply();
}
