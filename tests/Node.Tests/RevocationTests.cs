using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>
/// Certificates that are revoked while tunnels live, and afterwards; data-path 13, C3 to C5, and node-integration N22.
/// </summary>
public sealed class RevocationTests : IAsyncLifetime
{
    private const string RevokedText = "connection closed: peer certificate revoked by CRL";
    private static readonly TimeSpan CutLimit = TimeSpan.FromSeconds(10); // the contract's, from the change of the file

    private readonly RevocationFile _file = new();
    private readonly NodeTopology _topology;

    public RevocationTests() => _topology = new NodeTopology
    {
        ProxyEnvironment = new() { ["LOG_FORMAT"] = "json", ["CRL_PATH"] = _file.Path },
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _topology.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        await _topology.DisposeAsync();
        _file.Dispose();
    }

    [Fact]
    public async Task C4_T15_ClientRevoked_InboundTunnelsAreCutAndNewOnesRefused()
    {
        await using var server = PodServer.Start(_topology.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        using var first = await OpenAsync();
        using var second = await OpenAsync();
        var since = _topology.ServerProxy.Log.Count;

        _file.Revoke(
            _topology.AuthorityFolder, await RevocationFile.SerialOfAsync(_topology.ClientProxy, Token));

        await AssertCutAsync(first);
        await AssertCutAsync(second);
        await AssertLoggedAsync(_topology.ServerProxy, since, lines: 2);
        await AssertMetricsAsync(_topology.ServerProxy, "destination", tunnels: 1, streams: 2);

        // C3: the handshake.
        since = _topology.ServerProxy.Log.Count;
        await AssertCutAsync(await ConnectAsync());
        var refused = await _topology.ServerProxy.WaitForAccessAsync(since, line => line["error"] is not null, Token);
        Assert.Equal("connection failed", refused["message"]);
        Assert.Equal("tls handshake error: invalid peer certificate: Revoked", refused["error"]);

        // The client learns of the refusal after its own handshake, and may have dialled again before it gave up.
        var rejections = Assert.Single(
            await _topology.ServerProxy.ReadMetricsAsync(Token),
            sample => sample.Name == "istio_crl_policy_rejections_total" && sample.Has(("reporter", "destination")));
        Assert.True(rejections.Value >= 2, rejections.ToString());
        await WaitForRejectionsAsync(_topology.ClientProxy, "source", 0);
    }

    [Fact]
    public async Task C4_T15_ServerRevoked_OutboundTunnelsAreCutAndNewOnesRefused()
    {
        await using var server = PodServer.Start(_topology.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        using var first = await OpenAsync();
        using var second = await OpenAsync();
        var since = _topology.ClientProxy.Log.Count;

        _file.Revoke(
            _topology.AuthorityFolder, await RevocationFile.SerialOfAsync(_topology.ServerProxy, Token));

        await AssertCutAsync(first);
        await AssertCutAsync(second);
        await AssertLoggedAsync(_topology.ClientProxy, since, lines: 2);
        await AssertMetricsAsync(_topology.ClientProxy, "source", tunnels: 1, streams: 2);

        // C3: the handshake.
        since = _topology.ClientProxy.Log.Count;
        await AssertCutAsync(await ConnectAsync());
        var refused = await _topology.ClientProxy.WaitForAccessAsync(since, line => line["error"] is not null, Token);
        Assert.Equal("io error: invalid peer certificate: Revoked", refused["error"]);
        await WaitForRejectionsAsync(_topology.ClientProxy, "source", 2);
        await WaitForRejectionsAsync(_topology.ServerProxy, "destination", 0);
    }

    [Fact]
    public async Task C5_T15_OthersRevokedAndThenAFileThatIsBroken_CutNothing()
    {
        await using var server = PodServer.Start(_topology.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        using var connection = await OpenAsync();

        _file.Revoke(_topology.AuthorityFolder, [0x12, 0x34]);
        await WaitForMetricAsync(_topology.ServerProxy, "istio_crl_lists", 1);
        await WaitForMetricAsync(_topology.ServerProxy, "istio_crl_load_failed", 0);
        await ExchangeAsync(connection);

        await File.WriteAllTextAsync(_file.Path, "garbage", Token);
        await WaitForMetricAsync(_topology.ServerProxy, "istio_crl_load_failed", 1);
        await WaitForMetricAsync(_topology.ServerProxy, "istio_crl_lists", 1);
        await ExchangeAsync(connection);
        using var another = await OpenAsync();
    }

    private static async Task ExchangeAsync(Socket connection)
    {
        await connection.SendTextAsync("hello world", Token);
        Assert.Equal("hello worldhello world", await connection.ReceiveTextAsync(22, Token));
    }

    // The application sees the end, in whichever form.
    private static async Task AssertCutAsync(Socket connection)
    {
        using (connection)
        {
            try
            {
                Assert.Equal("", await connection.ReceiveToEndAsync(Token).WaitAsync(CutLimit, Token));
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
            {
                // Something was missing, and it is told so.
            }
        }
    }

    private static async Task AssertLoggedAsync(ProxyProcess proxy, long since, int lines)
    {
        var seen = new HashSet<string>();
        while (seen.Count < lines)
        {
            var line = await proxy.WaitForAccessAsync(
                since, line => line["error"] == RevokedText && !seen.Contains(line.ToString()), Token);
            Assert.Equal("connection complete", line["message"]);
            seen.Add(line.ToString());
        }
    }

    private static async Task AssertMetricsAsync(ProxyProcess proxy, string reporter, int tunnels, int streams)
    {
        await WaitForRejectionsAsync(proxy, reporter, tunnels);
        var closed = (await proxy.ReadMetricsAsync(Token)).Where(
            sample => sample.Name == "istio_tcp_connections_closed_total"
                && sample.Has(("reporter", reporter), ("response_flags", "CERT_REVOKED")));
        Assert.Equal(streams, closed.Sum(sample => sample.Value));
    }

    private static Task WaitForRejectionsAsync(ProxyProcess proxy, string reporter, int count) =>
        WaitForMetricAsync(proxy, "istio_crl_policy_rejections_total", count, ("reporter", reporter));

    private static async Task WaitForMetricAsync(
        ProxyProcess proxy, string name, double value, params (string, string)[] labels)
    {
        var deadline = DateTime.UtcNow + CutLimit;
        while (true)
        {
            var samples = await proxy.ReadMetricsAsync(Token);
            var now = Assert.Single(samples, sample => sample.Name == name && sample.Has(labels)).Value;
            if (now == value || DateTime.UtcNow > deadline)
            {
                Assert.Equal(value, now);
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), Token);
        }
    }

    private async Task<Socket> OpenAsync()
    {
        var connection = await ConnectAsync();
        await ExchangeAsync(connection);
        return connection;
    }

    private Task<Socket> ConnectAsync() =>
        _topology.Client.ConnectAsync(_topology.Server.IPv4, TestMesh.EchoPort, Token);
}
