using System.Net.Sockets;
using Ztunnel.Demo;
using Ztunnel.Mesh;

namespace Node.Tests;

/// <summary>
/// Plain connections that carry so much that the kernel moves it past the proxy: they end as all others do; data-path 7 and
/// 8.5.
/// </summary>
public sealed class SplicedConnectionTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PolicyPush_ResetsBothEndsOfTheConnectionInFullFlow()
    {
        await using var topology = await Topology.CreateAsync(new TopologyOptions(), Token);
        var near = await topology.AddNodeAsync("near", Token);
        var far = await topology.AddNodeAsync("far", Token);
        var istiod = await topology.AddPodAsync(near, "istiod", Token);
        var client = await topology.AddPodAsync(near, "client", Token);
        var plain = await topology.AddPodAsync(near, "plain", Token);
        var server = await topology.AddPodAsync(far, "server", Token);
        var mesh = TestMesh.ToYaml(client, server, plain);
        var folder = Directory.CreateDirectory(Path.Combine(topology.Folder, "istiod")).FullName;
        var controlPlane = await ControlPlaneProcess.StartAsync(
            ControlPlaneProgram.Path, istiod, folder, mesh, Token);
        var variables = await controlPlane.VariablesAsync(far);
        variables["LOG_FORMAT"] = "json";
        variables["POD_NAMESPACE"] = NodeProxy.Namespace; // the token's
        await server.CaptureAsync(Token); // before the first connection to the control plane, which it would cut otherwise
        var proxy = await DedicatedProxy.StartAsync(
            server, new WorkloadInfo("server", "shop", "server"), variables);
        await proxy.WaitUntilReadyAsync(Token);
        await using var flow = await Flow.StartAsync(plain, server, TestMesh.OpenPort);
        await UntilSplicedAsync(proxy);

        await controlPlane.ApplyAsync(
            mesh.Replace($"[{TestMesh.DeniedPort}]", $"[{TestMesh.OpenPort}]", StringComparison.Ordinal), Token, server);

        var (sending, receiving) = await flow.EndAsync();
        Assert.Equal((SocketError.ConnectionReset, SocketError.ConnectionReset), (sending, receiving));
        var line = await proxy.WaitForAccessAsync(0, access => access["error"] is not null, Token);
        Assert.Equal("connection closed due to policy change", line["error"]);
        Assert.True(long.Parse(line["bytes_recv"]!) >= flow.Received, $"{flow.Received} were received: {line}");
    }

    [Fact]
    public async Task Drain_LetsTheFlowGoOnUntilItsEnd()
    {
        await using var topology = await StartAsync(deadline: "60s");
        await using var flow = await Flow.StartAsync(topology.Client, topology.Plain, TestMesh.EchoPort);
        await UntilSplicedAsync(topology.ClientProxy);
        var since = topology.ClientProxy.Log.Count;

        var stopping = topology.ClientProxy.StopAsync();
        await topology.ClientProxy.WaitForLogAsync(since, Token, "listener drained", "outbound");
        var sent = await flow.FinishAsync();

        Assert.Equal(sent, flow.Received);
        Assert.Equal(0, await stopping.WaitAsync(Limit, Token));
        var line = await topology.ClientProxy.WaitForAccessAsync(0, access => access["bytes_sent"] is not null, Token);
        Assert.Equal($"{sent}", line["bytes_sent"]);
        Assert.Null(line["error"]);
    }

    [Fact]
    public async Task DrainDeadline_CutsTheFlow()
    {
        await using var topology = await StartAsync(deadline: "1s");
        await using var flow = await Flow.StartAsync(topology.Client, topology.Plain, TestMesh.EchoPort);
        await UntilSplicedAsync(topology.ClientProxy);

        Assert.Equal(0, await topology.ClientProxy.StopAsync().WaitAsync(Limit, Token));

        var (sending, _) = await flow.EndAsync();
        Assert.NotEqual(SocketError.Success, sending);
        var line = await topology.ClientProxy.WaitForAccessAsync(0, access => access["error"] is not null, Token);
        Assert.Equal("connection closed due to connection drain", line["error"]);
    }

    [Fact]
    public async Task SwitchedOff_NothingIsSpliced()
    {
        await using var topology = await StartAsync(deadline: "5s", splice: "false");
        await using var flow = await Flow.StartAsync(topology.Client, topology.Plain, TestMesh.EchoPort);
        await flow.ReceivedAsync(50_000_000);

        var sent = await flow.FinishAsync();

        Assert.Equal(sent, flow.Received);
        var metrics = await topology.ClientProxy.ReadMetricsAsync(Token);
        Assert.DoesNotContain(metrics, sample => sample.Name.StartsWith("ztunnel_splice", StringComparison.Ordinal));
    }

    private static async Task<NodeTopology> StartAsync(string deadline, string splice = "true")
    {
        var topology = new NodeTopology
        {
            ProxyEnvironment = new()
            {
                ["LOG_FORMAT"] = "json",
                ["CONNECTION_TERMINATION_DEADLINE"] = deadline,
                ["ENABLE_SPLICE"] = splice,
            },
        };
        await topology.InitializeAsync();
        return topology;
    }

    private static async Task UntilSplicedAsync(ProxyProcess proxy)
    {
        var deadline = DateTime.UtcNow + Limit;
        while (!(await proxy.ReadMetricsAsync(Token))
            .Any(sample => sample.Name == "ztunnel_spliced_bytes_total" && sample.Value > 10_000_000))
        {
            Assert.True(DateTime.UtcNow < deadline, $"nothing is spliced: {proxy.Log}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), Token);
        }
    }

    /// <summary>One connection on which one end sends all the time and the other reads all the time.</summary>
    private sealed class Flow : IAsyncDisposable
    {
        private readonly PodServer _server;
        private readonly Socket _client;
        private readonly TaskCompletionSource<SocketError> _received;
        private readonly Task<SocketError> _sending;
        private long _sentBytes;
        private long _receivedBytes;
        private volatile bool _finish;

        private Flow(PodServer server, Socket client, TaskCompletionSource<SocketError> received)
        {
            (_server, _client, _received) = (server, client, received);
            _sending = SendAsync();
        }

        public long Received => Volatile.Read(ref _receivedBytes);

        public static async Task<Flow> StartAsync(Pod from, Pod to, int port)
        {
            Flow? flow = null;
            var received = new TaskCompletionSource<SocketError>(TaskCreationOptions.RunContinuationsAsynchronously);
            var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var server = PodServer.Start(to, port, async (socket, token) =>
            {
                await started.Task.WaitAsync(token);
                received.SetResult(await flow!.ReceiveAsync(socket, token));
            });
            var client = await from.ConnectAsync(to.IPv4, port, Token);
            flow = new Flow(server, client, received);
            started.SetResult();
            return flow;
        }

        /// <summary>How it has ended at the sender and at the receiver.</summary>
        public async Task<(SocketError Sending, SocketError Receiving)> EndAsync() =>
            (await _sending.WaitAsync(Limit, Token), await _received.Task.WaitAsync(Limit, Token));

        /// <summary>Ends it in order.</summary>
        /// <returns>Bytes that were sent.</returns>
        public async Task<long> FinishAsync()
        {
            _finish = true;
            Assert.Equal((SocketError.Success, SocketError.Success), await EndAsync());
            return _sentBytes;
        }

        /// <summary>Waits until so much has come through.</summary>
        public async Task ReceivedAsync(long bytes)
        {
            var deadline = DateTime.UtcNow + Limit;
            while (Received < bytes)
            {
                Assert.True(DateTime.UtcNow < deadline, $"only {Received} of {bytes} bytes");
                await Task.Delay(TimeSpan.FromMilliseconds(20), Token);
            }
        }

        public ValueTask DisposeAsync()
        {
            _client.Dispose();
            return _server.DisposeAsync();
        }

        private async Task<SocketError> SendAsync()
        {
            var buffer = new byte[64 * 1024];
            try
            {
                while (!_finish)
                {
                    _sentBytes += await _client.SendAsync(buffer, Token);
                }

                _client.Shutdown(SocketShutdown.Send);
                return SocketError.Success;
            }
            catch (SocketException e)
            {
                return e.SocketErrorCode;
            }
        }

        private async Task<SocketError> ReceiveAsync(Socket socket, CancellationToken cancellationToken)
        {
            var buffer = new byte[64 * 1024];
            try
            {
                while (await socket.ReceiveAsync(buffer, cancellationToken) is > 0 and var read)
                {
                    Interlocked.Add(ref _receivedBytes, read);
                }

                return SocketError.Success;
            }
            catch (SocketException e)
            {
                return e.SocketErrorCode;
            }
        }
    }
}
