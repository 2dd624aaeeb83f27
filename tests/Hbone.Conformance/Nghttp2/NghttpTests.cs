using Hbone.Conformance.Exchanges;
using Hbone.Conformance.Peers;
using Hbone.Tls;

namespace Hbone.Conformance.Nghttp2;

/// <summary>
/// The clients of the nghttp2 project against our server. What they ask for is no CONNECT, and answered with 400
/// without content: nghttp always sends :scheme and :path, which no CONNECT may have.
/// </summary>
public sealed class NghttpTests : IDisposable
{
    private static readonly SpiffeId ServerId = new("cluster.local", "default", "server");
    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");

    private readonly TestCertificates _certificates = new();
    private readonly ExchangePlan _plan = new(401, 0, 0);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _plan.Dispose();
        _certificates.Dispose();
    }

    [Theory]
    [InlineData]
    [InlineData("--header-table-size=0")]
    [InlineData("--continuation")]
    [InlineData("--window-bits=1", "--connection-window-bits=16")]
    [InlineData("--padding=200")]
    public async Task Get_Nghttp_AllAreRefusedWith400(params string[] options)
    {
        const int Requests = 500;
        var files = _certificates.WritePem(ClientId);
        await using var server = new ExchangeServer(_certificates.Issue(ServerId), _plan);

        await using var nghttp = PeerProcess.Start(
            PeerProgram.Nghttp,
            [
                "--stat", "--no-verify-peer", $"--multiply={Requests}",
                $"--cert={files.Certificate}", $"--key={files.Key}",
                .. options, $"https://127.0.0.1:{server.Port}/",
            ]);
        var (exitCode, output) = await nghttp.ReadToEndAsync(Token);

        Assert.True(exitCode == 0, output);
        Assert.Equal(Requests, output.Split('\n').Count(line => line.Contains(" 400 ", StringComparison.Ordinal)));
        Assert.Equal(Requests, server.Others.Count);
        Assert.All(server.Others, request => Assert.Equal(("GET", ClientId), (request.Method, request.PeerIds[0])));
    }

    [Theory]
    [InlineData(false, "flags=0x25")] // END_STREAM | END_HEADERS | PRIORITY
    [InlineData(true, "flags=0x24")]
    public async Task Connect_NghttpWithSchemeAndPath_IsMalformed(bool sends, string flags)
    {
        // RFC 9113 section 8.5
        const int Requests = 100;
        var files = _certificates.WritePem(ClientId);
        await using var server = new ExchangeServer(_certificates.Issue(ServerId), _plan);

        await using var nghttp = PeerProcess.Start(
            PeerProgram.Nghttp,
            [
                "--verbose", "--no-verify-peer", $"--multiply={Requests}",
                $"--cert={files.Certificate}", $"--key={files.Key}",
                "--header=:method: CONNECT", "--header=:authority: 10.0.0.1:80",
                .. sends ? [$"--data={files.Certificate}", "--no-content-length"] : Array.Empty<string>(),
                $"https://127.0.0.1:{server.Port}/",
            ]);
        var (_, output) = await nghttp.ReadToEndAsync(Token);

        var frames = output.Split("] ");
        Assert.Equal(Requests, frames.Count(frame => Has(frame, "send HEADERS", flags, ":path: /")));
        Assert.Equal(Requests, frames.Count(frame => Has(frame, "recv RST_STREAM", "PROTOCOL_ERROR")));
        Assert.Empty(await server.OutcomesAsync());
        Assert.Empty(server.Others);
    }

    [Fact]
    public async Task Get_H2LoadBehindNghttpx_AllAreRefusedWith400()
    {
        // h2load has no client certificate, so nghttpx presents one.
        const int Requests = 5_000;
        var files = _certificates.WritePem(ClientId);
        await using var server = new ExchangeServer(_certificates.Issue(ServerId), _plan);
        await using var proxy = await NghttpxProxy.StartAsync(
            ";no-tls",
            [
                $"--backend=127.0.0.1,{server.Port};;proto=h2;tls", "--insecure",
                $"--client-cert-file={files.Certificate}", $"--client-private-key-file={files.Key}",
            ],
            Token);

        await using var load = PeerProcess.Start(
            PeerProgram.H2Load,
            [
                $"--requests={Requests}", "--clients=4", "--max-concurrent-streams=50",
                $"--base-uri=unix:{proxy.SocketPath}", "http://127.0.0.1/",
            ]);
        var (exitCode, output) = await load.ReadToEndAsync(Token);

        Assert.True(exitCode == 0, output);
        Assert.Contains($"0 2xx, 0 3xx, {Requests} 4xx, 0 5xx", output, StringComparison.Ordinal);
        Assert.Equal(Requests, server.Others.Count);
    }

    private static bool Has(string frame, params string[] parts) =>
        Array.TrueForAll(parts, part => frame.Contains(part, StringComparison.Ordinal));
}
