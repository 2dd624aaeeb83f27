using System.Globalization;
using Ztunnel.Demo;
using Ztunnel.Mesh;

namespace Node.Tests;

/// <summary>A port that is taken stops the start instead of leaving half a proxy; data-path 13, D6.</summary>
public sealed class BindConflictTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(15000)]
    [InlineData(15001)]
    [InlineData(15006)]
    [InlineData(15008)]
    [InlineData(15020)]
    [InlineData(15021)]
    public async Task D6_C10_PortTaken_ProxyEndsAndNamesIt(int port)
    {
        await using var topology = await Topology.CreateAsync(new TopologyOptions(), Token);
        var pod = await topology.AddPodAsync(await topology.AddNodeAsync("node", Token), "client", Token);
        var meshFile = Path.Combine(topology.Folder, "mesh.yaml");
        await File.WriteAllTextAsync(meshFile, "workloads: []\n", Token);
        using var squatter = pod.Listen(port);

        var proxy = await DedicatedProxy.StartAsync(
            pod,
            new WorkloadInfo("client", "default", "client"),
            ProxyProcess.Files(meshFile, Path.Combine(topology.Folder, "ca")));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
        deadline.CancelAfter(TimeSpan.FromSeconds(20));
        var exitCode = await proxy.WaitForExitAsync(deadline.Token);

        Assert.Equal(1, exitCode);
        var said = $"{proxy.Error}{proxy.Log.Since(0).LastOrDefault()}";
        Assert.Contains(port.ToString(CultureInfo.InvariantCulture), said, StringComparison.Ordinal);
    }
}
