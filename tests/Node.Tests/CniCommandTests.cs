using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>
/// The commands that stand in for Istio's CNI agent, as a user types them: rules of a pod, and a proxy that is told about it.
/// </summary>
public sealed class CniCommandTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("nft")]
    [InlineData("iptables")]
    public async Task R5_Redirect_ApplyShowRemove_ChangesThePodOnly(string backend)
    {
        await using var topology = await Topology.CreateAsync(new TopologyOptions(), Token);
        var pod = await topology.AddPodAsync(await topology.AddNodeAsync("node", Token), "client", Token);
        string[] options = ["--netns", pod.Namespace.Name, "--backend", backend];

        Assert.StartsWith(State(pod, "absent"), await RunAsync(["redirect", "show", .. options]), StringComparison.Ordinal);
        await RunAsync(["redirect", "apply", .. options]);
        await RunAsync(["redirect", "apply", .. options]);
        Assert.StartsWith(State(pod, "in place"), await RunAsync(["redirect", "show", .. options]), StringComparison.Ordinal);
        Assert.StartsWith(
            State(pod, "different"), await RunAsync(["redirect", "show", .. options, "--dns"]), StringComparison.Ordinal);
        await RunAsync(["redirect", "remove", .. options]);
        Assert.StartsWith(State(pod, "absent"), await RunAsync(["redirect", "show", .. options]), StringComparison.Ordinal);

        string[] node = ["--netns", pod.Node.Namespace.Name, "--backend", backend];
        await RunAsync(["probes", "apply", .. node, "--pod-address", pod.IPv4.ToString()]);
        Assert.Contains("169.254.7.127", await RunAsync(["probes", "show", .. node]), StringComparison.Ordinal);
        await RunAsync(["probes", "remove", .. node]);
    }

    [Fact]
    public async Task Redirect_NoSuchNamespace_SaysSo()
    {
        var result = await ChildProcess.RunAsync(
            new ProcessSpec(ProxyBinary.Path, "redirect", "apply", "--netns", "no-such-pod"), Limit, Token);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("/run/netns/no-such-pod", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CniServer_ProxyOfTheNode_ServesWhatStandardInputAdds()
    {
        await using var topology = await Topology.CreateAsync(new TopologyOptions(), Token);
        var node = await topology.AddNodeAsync("node", Token);
        var own = await topology.AddPodAsync(node, "ztunnel", Token);
        var first = await topology.AddPodAsync(node, "first", Token);
        var second = await topology.AddPodAsync(node, "second", Token);
        var path = Path.Combine(topology.Folder, "zds.sock");
        var spec = new ProcessSpec(ProxyBinary.Path, "cni-server", "--uds", path, "--add", AddLine(first));
        await using var server = await ChildProcess.StartAsync(spec with { KeepInputOpen = true });
        await server.WaitUntilAsync(() => File.Exists(path), "listens", Limit, Token);

        var proxy = await own.Namespace.StartAsync(new ProcessSpec(ProxyBinary.Path, "proxy", "ztunnel")
        {
            Environment = new Dictionary<string, string?>
            {
                ["INPOD_UDS"] = path,
                ["NODE_NAME"] = node.Name,
                ["XDS_ADDRESS"] = "",
                ["LOCAL_XDS"] = "workloads: []\n",
                ["FAKE_CA"] = "true",
                ["LOCAL_CA_DIR"] = Path.Combine(topology.Folder, "ca"),
            },
            InheritEnvironment = false,
        });
        await proxy.WaitUntilAsync(
            () => server.Error.ToString().Contains("snapshot sent", StringComparison.Ordinal), "takes the snapshot", Limit, Token);
        Assert.Contains(15008, await Listeners.OfAsync(first, Token));

        Assert.Equal("ok", await AskAsync(server, $"add {AddLine(second)}"));
        Assert.Contains(15008, await Listeners.OfAsync(second, Token));
        Assert.Equal("ok", await AskAsync(server, $"del {first.Namespace.Name}"));
        Assert.Equal(
            $"pod {second.Namespace.Name} /run/netns/{second.Namespace.Name} default/second/second",
            await AskAsync(server, "list"));
        Assert.Equal(0, await proxy.StopAsync());
        Assert.Equal(0, await server.StopAsync());
        Assert.False(File.Exists(path));
    }

    private static string State(Pod pod, string state) => $"# in /run/netns/{pod.Namespace.Name} these rules are {state}\n";

    private static string AddLine(Pod pod) =>
        $"{pod.Namespace.Name} --name {pod.Name} --namespace default --service-account {pod.Name}";

    private static async Task<string> RunAsync(string[] arguments) =>
        (await ChildProcess.RunAsync(new ProcessSpec([ProxyBinary.Path, .. arguments]), Limit, Token)).Succeeded().Output;

    /// <summary>The first line of the answer.</summary>
    private static async Task<string> AskAsync(ChildProcess server, string line)
    {
        var since = server.Output.Count;
        await server.Input.WriteLineAsync(line.AsMemory(), Token);
        await server.Input.FlushAsync(Token);
        await server.WaitUntilAsync(() => server.Output.Since(since).Length > 0, $"answers '{line}'", Limit, Token);
        return server.Output.Since(since)[0];
    }
}
