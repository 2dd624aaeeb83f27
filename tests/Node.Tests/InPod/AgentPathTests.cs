using System.Runtime.Versioning;
using Ztunnel.Demo;
using Ztunnel.Tests.InPod;

namespace Node.Tests.InPod;

/// <summary>A proxy with the rights of the DaemonSet, which may not enter the folder of the agent's socket.</summary>
[Collection<TwoNodesCollection>]
[UnsupportedOSPlatform("windows")] // modes of files
public sealed class AgentPathTests(TwoNodes nodes)
{
    private const string FailedConnects = "ztunnel_zds_failed_connects_total";

    // Root that is held to permissions: without CAP_DAC_OVERRIDE.
    private static readonly string[] Rights =
        ["setpriv", "--bounding-set", "-all,+net_admin,+sys_admin,+net_raw", "--inh-caps", "-all", "--"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FolderWithoutPermission_IsLoggedOnceAndTriedAgainAndHarmsNoPod()
    {
        using var agent = new ScriptedAgent();
        var folder = Path.GetDirectoryName(agent.Path)!;
        var pod = await nodes.AddPodAsync(nodes.Far, "guarded", "default", "guarded");
        using var netns = File.OpenHandle(pod.Pod.Namespace.Path);
        try
        {
            Close(folder);
            var proxy = await ProxyProcess.StartAsync(
                nodes.Plain.Pod, ProxyBinary.Path, nodes.Far.Environment(("INPOD_UDS", agent.Path), ("POD_NAME", "plain")), Rights);
            await using var process = proxy.Process;
            await proxy.WaitForReadyAsync("500 not ready, pending: workload proxy manager", Token);
            await EchoCalls.UntilAsync(async () => await FailuresAsync(proxy) >= 4, "the proxy tries again");
            Assert.Contains(
                $"cannot connect to {agent.Path}, trying again until it works: Permission denied (os error 13)",
                Assert.Single(Complaints(proxy)),
                StringComparison.Ordinal);

            Open(folder);
            using (var connection = await agent.AcceptAsync())
            {
                await connection.ReadHelloAsync();
                Assert.Empty(await connection.AskAsync(AgentConnection.AddBytes(pod.Uid, "guarded", "default", "guarded"), netns));
                Assert.Empty(await connection.SnapshotAsync());
                await proxy.WaitForReadyAsync("200", Token);
                Close(folder);
                var before = await FailuresAsync(proxy);
                connection.Dispose();
                await EchoCalls.UntilAsync(async () => await FailuresAsync(proxy) >= before + 4, "the proxy tries again");
            }

            await proxy.WaitForReadyAsync("500 not ready, pending: workload proxy manager", Token);
            Assert.Equal(2, Complaints(proxy).Length); // one for each time
            Assert.Equal([15001, 15006, 15008], (await Listeners.OfAsync(pod.Pod, Token)).Where(port => port != 15053).Order());

            Open(folder);
            using var again = await agent.AcceptAsync();
            await again.ReadHelloAsync();
            Assert.Empty(await again.KeepAsync(pod.Uid));
            Assert.Empty(await again.SnapshotAsync());
            await proxy.WaitForReadyAsync("200", Token);
            Assert.Equal(1, await proxy.SumAsync("workload_manager_proxies_started_total", [], Token));
            Assert.Equal(0, await proxy.SumAsync("workload_manager_proxies_stopped_total", [], Token));
            Assert.Equal(2, Complaints(proxy).Length);
        }
        finally
        {
            Open(folder);
        }
    }

    private static void Close(string folder) => File.SetUnixFileMode(folder, UnixFileMode.None);

    private static void Open(string folder) =>
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

    private static Task<double> FailuresAsync(ProxyProcess proxy) => proxy.SumAsync(FailedConnects, [], Token);

    private static string[] Complaints(ProxyProcess proxy) =>
    [
        .. proxy.Process.Output.Since(0).Where(line => line.Contains("cannot connect to ", StringComparison.Ordinal)),
    ];
}
