using System.Net;
using System.Net.Sockets;

namespace Node.Tests.InPod;

/// <summary>
/// What pods find on the proxy's ports: their own, each other's and those of the proxy's pod; node-integration 8, P5 and N14
/// to N16, data-path 13, E8 and E9.
/// </summary>
[Collection<TwoNodesCollection>]
public sealed class ProxyPortTests(TwoNodes nodes)
{
    private const string Garbage = "garbage\r\n\r\n";
    private const char TlsAlert = '\x15'; // the type of the record

    private static readonly int[] DataPorts = [15001, 15006, 15008];
    private static readonly int[] OperatorPorts = [15020, 15021];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task N14_E8_P5_FromACapturedPod_ItsOwnDataPortsCarryNothing(AddressFamily family)
    {
        foreach (var address in OwnAddresses(family))
        {
            foreach (var port in DataPorts)
            {
                Assert.Equal("", await SendGarbageAsync(nodes.Client, address, port));
            }
        }
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task N14_E8_FromACapturedPod_ItsOwnOtherPortsAreRefused(AddressFamily family)
    {
        foreach (var address in OwnAddresses(family))
        {
            foreach (var port in (int[])[15000, 15080, .. OperatorPorts])
            {
                await AssertRefusedAsync(nodes.Client, address, port);
            }
        }
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task N14_E8_FromACapturedPod_TheProxysPodAnswersOperatorsOnly(AddressFamily family)
    {
        foreach (var node in new[] { nodes.Near, nodes.Far })
        {
            var proxy = node.ProxyPod.AddressOf(family);
            foreach (var port in (int[])[15000, 15080, .. DataPorts])
            {
                Assert.Equal("", await SendGarbageAsync(nodes.Client, proxy, port));
            }

            await AssertOperatorPortsAnswerAsync(nodes.Client, proxy);
        }
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task N15_E9_FromAnUncapturedPod_TheProxysPodRefusesAllButItsTunnelPort(AddressFamily family)
    {
        foreach (var node in new[] { nodes.Near, nodes.Far })
        {
            var proxy = node.ProxyPod.AddressOf(family);
            foreach (var port in (int[])[15000, 15001, 15006, 15080])
            {
                await AssertRefusedAsync(nodes.Plain, proxy, port);
            }

            var answer = await SendGarbageAsync(nodes.Plain, proxy, 15008);
            Assert.True(answer.Length == 0 || answer[0] == TlsAlert, $"port 15008 answers {answer}");
            await AssertOperatorPortsAnswerAsync(nodes.Plain, proxy);
        }
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task N16_E9_P5_FromAnUncapturedPod_ACapturedPodConnectsAndCarriesNothing(AddressFamily family)
    {
        foreach (var pod in new[] { nodes.Remote, nodes.Client })
        {
            foreach (var port in (int[])[15000, 15080, .. DataPorts, .. OperatorPorts])
            {
                var answer = await SendGarbageAsync(nodes.Plain, pod.AddressOf(family), port);

                Assert.True(
                    answer.Length == 0 || (port == 15008 && answer[0] == TlsAlert), $"port {port} answers {answer}");
            }
        }
    }

    [Theory]
    [InlineData(15001, AddressFamily.InterNetwork)]
    [InlineData(15006, AddressFamily.InterNetwork)]
    [InlineData(15008, AddressFamily.InterNetwork)]
    [InlineData(15001, AddressFamily.InterNetworkV6)]
    [InlineData(15006, AddressFamily.InterNetworkV6)]
    [InlineData(15008, AddressFamily.InterNetworkV6)]
    public async Task P5_ProxyPortOfAnUncapturedPod_IsAPortLikeAnyOther(int port, AddressFamily family)
    {
        await using var server = PodServer.Start(nodes.Plain.Pod, port, PodServer.EchoTwiceAsync);

        Assert.Equal(EchoCalls.Answer, await nodes.Client.AskAsync(nodes.Plain.AddressOf(family), port));
    }

    private static async Task AssertOperatorPortsAnswerAsync(MeshPod from, IPAddress proxy)
    {
        foreach (var port in OperatorPorts)
        {
            Assert.StartsWith("HTTP/1.1 400", await SendGarbageAsync(from, proxy, port), StringComparison.Ordinal);
        }
    }

    private static async Task<string> SendGarbageAsync(MeshPod from, IPAddress address, int port)
    {
        using var socket = await from.ConnectAsync(address, port, Token);
        return await EchoCalls.EndOfAsync(socket, Garbage);
    }

    private static async Task AssertRefusedAsync(MeshPod from, IPAddress address, int port)
    {
        var e = await Assert.ThrowsAsync<SocketException>(() => from.ConnectAsync(address, port, Token));

        Assert.Equal(SocketError.ConnectionRefused, e.SocketErrorCode);
    }

    private IPAddress[] OwnAddresses(AddressFamily family) =>
    [
        nodes.Client.AddressOf(family),
        family == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback,
    ];
}
