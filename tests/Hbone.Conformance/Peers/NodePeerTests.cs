using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Hbone.Tls;

namespace Hbone.Conformance.Peers;

/// <summary>The two Node.js peers against each other, so that a failure of ours is not theirs.</summary>
public sealed class NodePeerTests : IDisposable
{
    private static readonly SpiffeId ServerId = new("cluster.local", "default", "server");
    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");

    private readonly TestCertificates _certificates = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _certificates.Dispose();

    [Fact]
    public async Task Echo_ManyStreams_EveryByteComesBack()
    {
        await using var server = await StartServerAsync("--max-streams=20");

        var summary = await RunClientAsync(
            server, $"--peer-id={ServerId}", "--streams=60", "--parallel=30", "--max-bytes=300000");

        Assert.Equal(60, summary.GetProperty("ok").GetInt32());
        Assert.Equal(
            summary.GetProperty("streams").EnumerateArray().Sum(stream => stream.GetProperty("size").GetInt64()),
            summary.GetProperty("bytes").GetInt64());
    }

    [Fact]
    public async Task Stream_Opened_ServerReportsHeadersAndPeer()
    {
        await using var server = await StartServerAsync();

        await RunClientAsync(server, "--authority=10.0.0.1:80", "--header=baggage=a=b");

        var report = await server.ReadReportAsync("stream", Token);
        Assert.Equal($"URI:{ClientId}", report.GetProperty("peer").GetString());
        Assert.Equal("10.0.0.1:80", report.GetProperty("headers").GetProperty(":authority").GetString());
        Assert.Equal("a=b", report.GetProperty("headers").GetProperty("baggage").GetString());
    }

    [Fact]
    public async Task Status_Other_ClientReportsTheRefusal()
    {
        await using var server = await StartServerAsync("--status=503");

        var stream = OnlyStreamOf(await RunClientAsync(server));

        Assert.False(stream.GetProperty("ok").GetBoolean());
        Assert.Equal(503, stream.GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task ResetAfter_BytesReceived_ClientReportsTheCode()
    {
        await using var server = await StartServerAsync("--reset-after=1000", "--reset-code=8");

        var stream = OnlyStreamOf(await RunClientAsync(server, "--min-bytes=5000000", "--max-bytes=5000000"));

        Assert.False(stream.GetProperty("ok").GetBoolean());
        Assert.Equal(8, stream.GetProperty("code").GetInt32());
    }

    [Fact]
    public async Task HalfCloseFirst_ClientGoesOn_ServerHasEveryByte()
    {
        await using var server = await StartServerAsync("--half-close-first");

        var sent = OnlyStreamOf(await RunClientAsync(server, "--min-bytes=200000", "--max-bytes=200000"));

        var end = await server.ReadReportAsync("end", Token);
        Assert.Equal(200_000, end.GetProperty("received").GetInt32());
        Assert.Equal(sent.GetProperty("sha256").GetString(), end.GetProperty("sha256").GetString());
    }

    [Fact]
    public async Task GoAwayAfter_FirstStream_ItStillFinishes()
    {
        await using var server = await StartServerAsync("--goaway-after=1");

        var summary = await RunClientAsync(server, "--min-bytes=100000");

        Assert.Equal(1, summary.GetProperty("ok").GetInt32());
        Assert.Equal(0, summary.GetProperty("goaway").GetInt32());
    }

    [Fact]
    public async Task Connect_ToTarget_RelaysBothWaysAndBothEnds()
    {
        using var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        await using var server = await StartServerAsync("--mode=connect");

        var client = RunClientAsync(server, $"--authority={target.LocalEndpoint}", "--min-bytes=100000");
        using (var connection = await target.AcceptTcpClientAsync(Token))
        {
            await connection.GetStream().CopyToAsync(connection.GetStream(), Token);
        }

        Assert.Equal(1, (await client).GetProperty("ok").GetInt32());
    }

    [Fact]
    public async Task Connect_ToClosedPort_Refused()
    {
        using var closed = new Socket(SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // bound, so nobody else gets it, but not listening
        await using var server = await StartServerAsync("--mode=connect");

        var stream = OnlyStreamOf(await RunClientAsync(
            server, $"--authority=127.0.0.1:{((IPEndPoint)closed.LocalEndPoint!).Port}"));

        Assert.Equal(503, stream.GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task Client_OfAnotherAuthority_Refused()
    {
        using var others = new TestCertificates("another root");
        await using var server = await StartServerAsync();

        // It trusts the server, but the server does not trust it.
        var certificate = others.WritePem(ClientId) with { Authority = _certificates.WritePem(ClientId).Authority };
        var summary = await NodePeer.RunClientAsync(certificate, server.Port, [], Token);

        Assert.Equal(0, summary.GetProperty("ok").GetInt32());
        await server.ReadReportAsync("tlsError", Token);
    }

    [Fact]
    public async Task Server_OfAnotherIdentity_ClientRefuses()
    {
        await using var server = await StartServerAsync();

        var summary = await RunClientAsync(server, $"--peer-id={ClientId}");

        Assert.Equal(0, summary.GetProperty("ok").GetInt32());
        Assert.Contains(ServerId.ToString(), summary.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_BadOption_CarriesWhatNodeSaid()
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => StartServerAsync("--no-such-option"));

        Assert.Contains("no-such-option", error.Message, StringComparison.Ordinal);
    }

    private static JsonElement OnlyStreamOf(JsonElement summary) =>
        Assert.Single(summary.GetProperty("streams").EnumerateArray().ToArray());

    private Task<NodePeer> StartServerAsync(params string[] options) =>
        NodePeer.StartServerAsync(_certificates.WritePem(ServerId), options, Token);

    private Task<JsonElement> RunClientAsync(NodePeer server, params string[] options) =>
        NodePeer.RunClientAsync(_certificates.WritePem(ClientId), server.Port, options, Token);
}
