using System.Net;
using System.Net.Sockets;

namespace Node.Tests.Routes;

/// <summary>What cannot be reached, and waypoints that do not do as they should; data-path 2.6, 11 and 12.</summary>
[Collection<RouteCollection>]
public sealed class RefusalTests(RouteNode node)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Refused before anything is dialled: one warning, nothing counted.</summary>
    [Theory]
    [InlineData("nobody", 80, "no healthy upstream: {0}")]
    [InlineData("balanced", 99, "no healthy upstream: {0}")]
    [InlineData("via-unknown-name", 80, "unknown waypoint: waypoint unknown.example.com not found")]
    [InlineData("via-unknown-address", 80, "unknown waypoint: waypoint /10.99.99.99:15008 not found")]
    [InlineData("via-empty", 80, "unknown waypoint: waypoint shop/nobody.shop.svc.cluster.local:80 not found")]
    public async Task Dial_WithNowhereToGo_IsRefused(string service, int port, string error)
    {
        foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
        {
            var since = node.LogEnd;
            var target = new IPEndPoint(RouteNode.VipOf(service, family), port);

            await RouteNode.AssertRefusedAsync(node.Pods.Client, target.Address, target.Port);

            var line = await node.LineAsync(since, ("direction", "outbound"), ("dst.addr", $"{target}"));
            Assert.Equal(("connection failed", "warn"), (line["message"], line["level"]));
            Assert.Equal(error.Replace("{0}", $"{target}", StringComparison.Ordinal), line["error"]);
        }
    }

    /// <summary>The port asks the waypoint for an answer; other statuses of success are none either.</summary>
    [Theory]
    [InlineData(401, "http status: 401 Unauthorized", "CONNECT")]
    [InlineData(404, "http status: 404 Not Found", "CONNECT")]
    [InlineData(503, "http status: 503 Service Unavailable", "CONNECT")]
    [InlineData(204, "http status: 204 No Content", "CONNECT")]
    [InlineData(1, "h2 failed: ", "H2_HANDSHAKE_FAILURE")] // RST_STREAM
    [InlineData(2, "h2 failed: ", "H2_HANDSHAKE_FAILURE")] // GOAWAY
    [InlineData(4, "h2 failed: ", "H2_HANDSHAKE_FAILURE")] // the end
    public Task Waypoint_Refuses_SaysWhy(int port, string error, string flag) =>
        AssertFailsAsync("via", port, error, flag);

    [Theory]
    [InlineData("via-closed", "io error: Connection refused (os error 111)")]
    [InlineData("via-plain", "io error: ")]
    [InlineData("via-impostor", "io error: invalid peer certificate: identity verification error: peer did not present the expected SAN (spiffe://cluster.local/ns/shop/sa/impostor), got spiffe://cluster.local/ns/shop/sa/waypoint")]
    public Task Waypoint_IsNotOne_SaysWhy(string service, string error) => AssertFailsAsync(service, 80, error, "CONNECT");

    [Fact]
    public Task Waypoint_SpeaksNoHttp2_SaysWhy() =>
        AssertFailsAsync("via-garbage", 80, "h2 failed: ", "H2_HANDSHAKE_FAILURE");

    /// <summary>Every wait has an end; all at once, because each takes its time.</summary>
    [Fact]
    public Task Waypoint_NeverAnswers_IsGivenUp() => Task.WhenAll(
        AssertFailsAsync("via", 3, "no answer to CONNECT within 6 s", "H2_HANDSHAKE_FAILURE"),
        AssertFailsAsync("via-silent", 80, "io error: ", "CONNECT"),
        AssertFailsAsync(
            "via-blackhole",
            80,
            "connection timed out, maybe a NetworkPolicy is blocking HBONE port 15008: deadline has elapsed",
            "NETWORK_POLICY"));

    /// <summary>For both families, one after the other.</summary>
    private async Task AssertFailsAsync(string service, int port, string error, string flag)
    {
        foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
        {
            var since = node.LogEnd;
            (string, string)[] labels =
            [
                ("reporter", "source"),
                ("destination_service_name", service),
                ("response_flags", flag),
            ];
            var before = await FailedAsync(labels);
            var target = new IPEndPoint(RouteNode.VipOf(service, family), port);

            await RouteNode.AssertRefusedAsync(node.Pods.Client, target.Address, target.Port);

            var line = await node.LineAsync(
                since, ("message", "connection complete"), ("direction", "outbound"), ("dst.hbone_addr", $"{target}"));
            Assert.StartsWith(error, line["error"], StringComparison.Ordinal);
            Assert.Equal(("0", "0"), (line["bytes_sent"], line["bytes_recv"]));
            Assert.Equal(1, await FailedAsync(labels) - before);
        }
    }

    private Task<double> FailedAsync((string, string)[] labels) =>
        node.Proxy.SumAsync("istio_tcp_connections_failed_total", labels, Token);
}
