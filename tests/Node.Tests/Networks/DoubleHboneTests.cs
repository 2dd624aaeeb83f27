using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests.Networks;

/// <summary>A captured client and services of another network, in namespaces: data-path 2.7, 4.8 and E4 of 13.</summary>
public sealed class DoubleHboneTests(NetworksFixture fixture) : IClassFixture<NetworksFixture>
{
    private const string Hello = "hello world";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly TwoNetworks _networks = fixture.Networks;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task E4_ServerBehindOurProxy_ItsNameIsLogged(AddressFamily family)
    {
        await using var server = PodServer.Start(_networks.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        var farLog = _networks.Far.Process.Output;
        var since = farLog.Count;
        (string, string)[] labels =
        [
            ("reporter", "source"), ("source_workload", "client"), ("destination_workload", "server"),
            ("destination_principal", FarServices.ServerIdentity), ("destination_cluster", "cluster-net-2"),
            ("destination_service", FarServices.Echo.Hostname), ("connection_security_policy", "mutual_tls"),
        ];
        var before = await CountersAsync(labels);

        using var dialled = await _networks.DialAsync(FarServices.Echo, Token, family);
        var reply = await dialled.AskAsync(Hello, Token);

        Assert.Equal(Hello + Hello, reply);
        var gateway = family == AddressFamily.InterNetwork ? _networks.GatewayPod.IPv4 : _networks.GatewayPod.IPv6;
        var line = await dialled.LineAsync(Token);
        Assert.Equal(
            ("client", "server", "shop", FarServices.ServerIdentity, "cluster-net-2"),
            (line["src.workload"], line["dst.workload"], line["dst.namespace"], line["dst.identity"], line["dst.cluster"]));
        Assert.Equal(
            ($"{new System.Net.IPEndPoint(gateway!, 15008)}", FarServices.Echo.Authority, FarServices.Echo.Hostname),
            (line["dst.addr"], line["dst.hbone_addr"], line["dst.service"]));
        Assert.Equal(("outbound", "11", "22", null), (line["direction"], line["bytes_sent"], line["bytes_recv"], line["error"]));

        // The peer that connects is the gateway; who asks is known by the inner certificate and its own words.
        var arrived = await farLog.WaitForAccessAsync(
            since, line => line["dst.hbone_addr"] == FarServices.Echo.Authority, Token);
        Assert.Equal(
            ("client", TestMesh.ClientIdentity, "cluster-net-1", FarServices.Echo.Hostname),
            (arrived["src.workload"], arrived["src.identity"], arrived["src.cluster"], arrived["dst.service"]));
        await UntilAsync(async () =>
            (await CountersAsync(labels)).Zip(before, (now, then) => now - then).SequenceEqual([1, 1, 11, 22]));
    }

    [Fact]
    public async Task GatewayByAddress_ThatAddressForBothFamilies()
    {
        await using var server = PodServer.Start(_networks.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        foreach (var family in (AddressFamily[])[AddressFamily.InterNetwork, AddressFamily.InterNetworkV6])
        {
            using var dialled = await _networks.DialAsync(FarServices.EchoByAddress, Token, family);

            Assert.Equal(Hello + Hello, await dialled.AskAsync(Hello, Token));
            var line = await dialled.LineAsync(Token);
            Assert.Equal($"{_networks.GatewayPod.IPv4}:15008", line["dst.addr"]);
        }
    }

    [Fact]
    public async Task O20_BothConnects_SayWhatTheyShould()
    {
        var (atGateway, atPeer) = (_networks.Gateway.Count, _networks.Peer.Count);

        using var dialled = await _networks.DialAsync(FarServices.Peer, Token);
        Assert.Equal(Hello, await dialled.AskAsync(Hello, Token));

        var inner = (await _networks.Peer.FirstAsync("stream", atPeer, Token)).GetProperty("headers");
        Assert.Equal("net-1", inner.GetProperty("x-forwarded-network").GetString());
        Assert.Equal(FarServices.Peer.Authority, inner.GetProperty(":authority").GetString());
        Assert.StartsWith("k8s.cluster.name=cluster-net-1,k8s.namespace.name=default", inner.GetProperty("baggage").GetString());
        Assert.EndsWith($";host={FarServices.Peer.Hostname}", inner.GetProperty("forwarded").GetString());
        var outer = (await _networks.Gateway.FirstAsync("stream", atGateway, Token)).GetProperty("headers");
        Assert.False(outer.TryGetProperty("x-forwarded-network", out _));
        foreach (var name in (string[])[":authority", "baggage", "forwarded", "traceparent"])
        {
            Assert.Equal(inner.GetProperty(name).GetString(), outer.GetProperty(name).GetString());
        }

        Assert.Equal(
            $"URI:{TestMesh.ClientIdentity}", _networks.Peer.Reports("session")[0].GetProperty("peer").GetString());
        var line = await dialled.LineAsync(Token);
        Assert.Equal(
            ("peer", "shop", FarServices.PeerIdentity, "c-2"),
            (line["dst.workload"], line["dst.namespace"], line["dst.identity"], line["dst.cluster"]));
        Assert.Equal(1, await _networks.Near.SumAsync(
            "istio_tcp_connections_opened_total",
            [
                ("destination_workload", "peer-v2"), ("destination_canonical_revision", "v2"),
                ("destination_region", "r2"), ("destination_zone", "z2"),
            ],
            Token));
    }

    [Fact]
    public async Task ThousandsOfShortConnections_OneInnerTunnel_NoLastByteLost()
    {
        await using var server = PodServer.Start(_networks.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        await _networks.AskAsync(FarServices.Echo, Hello, Token);
        var since = _networks.Gateway.Count;

        await ShortConnections.RunAsync(_networks, count: 3_000, Token);

        Assert.Empty(_networks.Gateway.Reports("stream", since)); // at most 100 at once fit into the one that is there
    }

    [Fact]
    public async Task MuchInBothDirections_ArrivesWhole()
    {
        await using var server = PodServer.Start(_networks.Server, TestMesh.EchoPort, EchoAsync);
        using var dialled = await _networks.DialAsync(FarServices.Echo, Token);
        var socket = dialled.Socket;
        var payload = new byte[16_000_000];
        new Random(1).NextBytes(payload);

        var sending = Task.Run(
            async () =>
            {
                for (var sent = 0; sent < payload.Length;)
                {
                    sent += await socket.SendAsync(payload.AsMemory(sent), Token);
                }

                socket.Shutdown(SocketShutdown.Send);
            },
            Token);
        var received = new MemoryStream();
        await new NetworkStream(socket).CopyToAsync(received, Token).WaitAsync(TimeSpan.FromSeconds(60), Token);
        await sending;

        Assert.True(received.ToArray().AsSpan().SequenceEqual(payload));
    }

    [Fact]
    public async Task Resets_GetThrough()
    {
        var reset = new TaskCompletionSource<SocketError>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = PodServer.Start(_networks.Server, TestMesh.EchoPort, async (socket, token) =>
        {
            var text = await socket.ReceiveTextAsync(5, token);
            if (text == "reset")
            {
                socket.Reset();
                return;
            }

            try
            {
                await socket.ReceiveAsync(new byte[1], token);
            }
            catch (SocketException e)
            {
                reset.SetResult(e.SocketErrorCode);
            }
        });
        using var byServer = await _networks.DialAsync(FarServices.Echo, Token);
        using var byClient = await _networks.DialAsync(FarServices.Echo, Token);

        await byServer.Socket.SendTextAsync("reset", Token);
        await byClient.Socket.SendTextAsync("hello", Token);
        var atClient = await Assert.ThrowsAsync<SocketException>(
            async () => await byServer.Socket.ReceiveAsync(new byte[1], Token).AsTask().WaitAsync(Limit, Token));
        byClient.Socket.Reset();

        Assert.Equal(SocketError.ConnectionReset, atClient.SocketErrorCode);
        Assert.Equal(SocketError.ConnectionReset, await reset.Task.WaitAsync(Limit, Token));
    }

    [Fact]
    public async Task GatewayDies_ConnectionsAreReset_AndTheNextFindItsSuccessor()
    {
        await using var server = PodServer.Start(_networks.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        using var open = await _networks.DialAsync(FarServices.Echo, Token);
        await open.Socket.SendTextAsync(Hello, Token);
        Assert.Equal(Hello + Hello, await open.Socket.ReceiveTextAsync(22, Token));

        await _networks.Gateway.DisposeAsync();

        var e = await Assert.ThrowsAsync<SocketException>(
            async () => await open.Socket.ReceiveAsync(new byte[1], Token).AsTask().WaitAsync(Limit, Token));
        Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
        var line = await open.LineAsync(Token);
        Assert.Contains("io error: connection broken: outer tunnel: connection broken: ", line["error"]);
        Assert.Equal("server", line["dst.workload"]);

        Assert.Equal("io error: Connection refused (os error 111)", await ErrorOfAsync(FarServices.Echo));
        await _networks.StartGatewayAsync(Token);
        Assert.Equal(Hello + Hello, await _networks.AskAsync(FarServices.Echo, Hello, Token));
    }

    /// <summary>Nothing comes back from one of two gateways: its share of the connections goes through the other.</summary>
    [Fact]
    public async Task SilentGateway_TheOtherIsTried()
    {
        await using var server = PodServer.Start(_networks.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        do
        {
            using var dialled = await _networks.DialAsync(FarServices.HalfSilent, Token);
            Assert.Equal(Hello + Hello, await dialled.AskAsync(Hello, Token));
            Assert.Null((await dialled.LineAsync(Token))["error"]);
        }
        while (await _networks.Near.SumAsync("ztunnel_connect_retries_total", [("outcome", "connected")], Token) == 0);
    }

    [Theory]
    [InlineData("unauthorized", "http status: 401 Unauthorized")]
    [InlineData("unknown", "http status: 404 Not Found")]
    [InlineData("unavailable", "http status: 503 Service Unavailable")]
    [InlineData("closed", "io error: tls handshake eof")]
    [InlineData("garbage", "io error: wrong version number")]
    [InlineData("silent", "io error: handshake not finished within 2 s")]
    [InlineData(
        "nameless",
        "io error: invalid peer certificate: identity verification error: peer did not present the expected SAN (), got "
            + FarServices.ServerIdentity)]
    [InlineData(
        "other",
        "io error: invalid peer certificate: identity verification error: peer did not present the expected SAN "
            + "(spiffe://cluster.local/ns/shop/sa/other), got " + FarServices.ServerIdentity)]
    public async Task GatewayOrServerRefuses_ClosedWithTheReason(string name, string error)
    {
        var service = FarServices.All.Single(service => service.Name == name);

        Assert.Equal(error, await ErrorOfAsync(service));

        // Counted as opened when it has failed, towards the gateway: nobody else is known.
        await UntilAsync(async () => await _networks.Near.SumAsync(
            "istio_tcp_connections_failed_total",
            [("destination_service", service.Hostname), ("response_flags", "CONNECT"), ("destination_workload", "gateway")],
            Token) > 0);
    }

    [Fact]
    public async Task GatewayResets_ClosedWithTheReason() => Assert.Contains(
        await ErrorOfAsync(FarServices.Reset),
        (string[])
        [
            "io error: outer tunnel: stream reset by peer: ConnectError",
            "io error: tls handshake eof", // node may send END_STREAM before the reset
        ]);

    [Fact]
    public async Task UnknownGateway_RefusedBeforeAnythingIsDialled()
    {
        using var dialled = await _networks.DialAsync(FarServices.Lost, Token);

        Assert.Equal("", await dialled.Socket.ReceiveToEndAsync(Token));
        var line = await dialled.LineAsync(Token);
        Assert.Equal("connection failed", line["message"]);
        Assert.Equal("unknown network gateway: network gateway net-2/10.9.9.9:15008 not found", line["error"]);
        Assert.DoesNotContain(
            _networks.Gateway.Reports("stream"),
            stream => stream.GetProperty("authority").GetString() == FarServices.Lost.Authority);
    }

    private static async Task EchoAsync(Socket socket, CancellationToken cancellationToken)
    {
        using var stream = new NetworkStream(socket);
        await stream.CopyToAsync(stream, cancellationToken);
        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < Limit, "not in time");
            await Task.Delay(50, Token);
        }
    }

    private async Task<string?> ErrorOfAsync(FarService service)
    {
        using var dialled = await _networks.DialAsync(service, Token);

        Assert.Equal("", await dialled.Socket.ReceiveToEndAsync(Token));

        var line = await dialled.LineAsync(Token);
        Assert.Equal((service.Authority, "gateway"), (line["dst.hbone_addr"], line["dst.workload"]));
        return line["error"];
    }

    private async Task<double[]> CountersAsync((string, string)[] labels)
    {
        var samples = MetricSample.Parse(await _networks.Near.MetricsPageAsync(Token));
        return
        [
            .. from name in (string[])["connections_opened", "connections_closed", "received_bytes", "sent_bytes"]
               select samples.Where(sample => sample.Name == $"istio_tcp_{name}_total" && sample.Has(labels))
                   .Sum(sample => sample.Value),
        ];
    }
}
