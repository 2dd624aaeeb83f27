using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Node.Tests.Networks;

/// <summary>Certificates revoked while double tunnels live: that of the gateway, that of the server. Data-path 8.6.</summary>
public sealed class NetworkRevocationTests : IAsyncLifetime
{
    private const string RevokedText = "connection closed: peer certificate revoked by CRL";
    private static readonly TimeSpan CutLimit = TimeSpan.FromSeconds(10); // the contract's, from the change of the file

    private readonly RevocationFile _file = new();
    private TwoNetworks _networks = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _networks = await TwoNetworks.StartAsync(new() { ["CRL_PATH"] = _file.Path }, Token);

    public async ValueTask DisposeAsync()
    {
        await _networks.DisposeAsync();
        _file.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task C4_T15_GatewayOrServerRevoked_LiveAndNewConnectionsEnd(bool gateway)
    {
        using var dialled = await _networks.DialAsync(FarServices.Peer, Token);
        await dialled.Socket.SendTextAsync("hello", Token);
        Assert.Equal("hello", await dialled.Socket.ReceiveTextAsync(5, Token));

        var files = gateway ? _networks.GatewayFiles : _networks.PeerFiles;
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(files.Certificate);
        _file.Revoke(_networks.AuthorityFolder, certificate.SerialNumberBytes.ToArray());

        await Assert.ThrowsAsync<SocketException>(
            async () => await dialled.Socket.ReceiveAsync(new byte[1], Token).AsTask().WaitAsync(CutLimit, Token));
        var line = await dialled.LineAsync(Token);
        Assert.Equal((RevokedText, "peer"), (line["error"], line["dst.workload"]));
        Assert.Equal(1, await _networks.Near.SumAsync(
            "istio_tcp_connections_failed_total", [("response_flags", "CERT_REVOKED")], Token));

        using var late = await _networks.DialAsync(FarServices.Peer, Token);
        Assert.Equal("", await late.Socket.ReceiveToEndAsync(Token));
        line = await late.LineAsync(Token);
        Assert.Equal("io error: invalid peer certificate: Revoked", line["error"]);
    }
}
