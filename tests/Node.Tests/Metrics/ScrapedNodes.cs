using System.Net;
using System.Net.Sockets;
using Node.Tests.InPod;

namespace Node.Tests.Metrics;

/// <summary>
/// Two nodes with a control plane, a Prometheus that scrapes their proxies, and traffic of every kind that dashboards show:
/// tunnelled, plain, refused, names asked for, and a control plane that came and went.
/// </summary>
public sealed class ScrapedNodes : IAsyncLifetime
{
    private static readonly byte[] NameQuery =
    [
        0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0,
        4, .. "echo"u8, 4, .. "shop"u8, 3, .. "svc"u8, 7, .. "cluster"u8, 5, .. "local"u8, 0, 0, 1, 0, 1,
    ];

    private readonly ControlledNodes _nodes = new();
    private PodServer? _remote;
    private PodServer? _plain;

    internal ControlledNodes Nodes => _nodes;

    internal PrometheusServer Prometheus { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await _nodes.InitializeAsync();
        try
        {
            Prometheus = await PrometheusServer.StartAsync(
                _nodes.Plain.Pod,
                Path.Combine(_nodes.Topology.Folder, "prometheus"),
                [_nodes.Near.ProxyPod, _nodes.Far.ProxyPod],
                CancellationToken.None);
            await CommunicateAsync();
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Prometheus is not null)
        {
            await Prometheus.DisposeAsync();
        }

        if (_remote is not null)
        {
            await _remote.DisposeAsync();
        }

        if (_plain is not null)
        {
            await _plain.DisposeAsync();
        }

        await _nodes.DisposeAsync();
    }

    /// <summary>One connection from <c>client</c> to <c>remote</c> and one to <c>plain</c>.</summary>
    internal async Task CallAsync()
    {
        Assert.Equal(EchoCalls.Answer, await _nodes.Client.AskAsync(_nodes.Remote.Pod.IPv4, TwoNodes.EchoPort));
        Assert.Equal(EchoCalls.Answer, await _nodes.Client.AskAsync(_nodes.Plain.Pod.IPv4, TwoNodes.EchoPort));
    }

    private async Task CommunicateAsync()
    {
        _remote = PodServer.Start(_nodes.Remote.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        _plain = PodServer.Start(_nodes.Plain.Pod, TwoNodes.EchoPort, PodServer.EchoTwiceAsync);
        await CallAsync();
        using (var refused = await _nodes.Local.ConnectAsync(_nodes.Remote.Pod.IPv4, TwoNodes.EchoPort, CancellationToken.None))
        {
            Assert.Equal("", await EchoCalls.EndOfAsync(refused, EchoCalls.Hello));
        }

        await AskNameAsync();
        await _nodes.ControlPlane.StopAsync();
        foreach (var node in new[] { _nodes.Near, _nodes.Far })
        {
            await EchoCalls.UntilAsync(
                async () => await node.Proxy.SumAsync("istio_tcp_connections_closed_total", [], CancellationToken.None) > 0
                    && await node.Proxy.SumAsync(
                        "istio_xds_connection_terminations_total", [], CancellationToken.None) > 0,
                "the connections and the control plane are gone");
        }
    }

    private async Task AskNameAsync()
    {
        using var netns = _nodes.Client.Pod.OpenNetns();
        using var socket = netns.CreateUdpSocket(AddressFamily.InterNetwork);
        socket.Connect(new IPEndPoint(IPAddress.Loopback, 15053));
        await socket.SendAsync(NameQuery, CancellationToken.None);
        var answer = socket.ReceiveAsync(new byte[512], CancellationToken.None).AsTask();
        Assert.NotEqual(0, await answer.WaitAsync(TimeSpan.FromSeconds(20)));
    }
}
