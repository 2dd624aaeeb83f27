using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests.InPod;

/// <summary>A port of the proxy's own pod that is taken, in either family, stops the start; data-path 13, D6.</summary>
[Collection<TwoNodesCollection>]
public sealed class OwnBindConflictTests(TwoNodes nodes)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(15000, AddressFamily.InterNetwork)]
    [InlineData(15000, AddressFamily.InterNetworkV6)]
    [InlineData(15008, AddressFamily.InterNetwork)]
    [InlineData(15008, AddressFamily.InterNetworkV6)]
    [InlineData(15020, AddressFamily.InterNetwork)]
    [InlineData(15020, AddressFamily.InterNetworkV6)]
    [InlineData(15021, AddressFamily.InterNetwork)]
    [InlineData(15021, AddressFamily.InterNetworkV6)]
    public async Task D6_M7_PortTaken_ProxyEndsAndNamesIt(int port, AddressFamily family)
    {
        var pod = nodes.Plain.Pod;
        using var squatter = Occupy(family, port);

        var proxy = await ProxyProcess.StartAsync(
            pod,
            ProxyBinary.Path,
            nodes.Far.Environment(("INPOD_UDS", Path.Combine(nodes.Topology.Folder, "nobody.sock")), ("POD_NAME", "plain")));
        await using var process = proxy.Process;
        var exitCode = await process.WaitForExitAsync(Token).WaitAsync(TimeSpan.FromSeconds(20), Token);

        Assert.Equal(1, exitCode);
        Assert.Contains(
            port.ToString(CultureInfo.InvariantCulture), $"{process.Error}{process.Output}", StringComparison.Ordinal);
        Assert.Contains("Address already in use", $"{process.Error}{process.Output}", StringComparison.Ordinal);
    }

    private Socket Occupy(AddressFamily family, int port)
    {
        using var netns = nodes.Plain.Pod.OpenNetns();
        var socket = netns.CreateTcpSocket(family);
        if (family == AddressFamily.InterNetworkV6)
        {
            socket.DualMode = false;
        }

        socket.Bind(new IPEndPoint(family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, port));
        socket.Listen(1);
        return socket;
    }
}
