using System.Net;
using Hbone.Proxying.ProxyProtocol;
using Hbone.Tls;

namespace Hbone.Conformance.ProxyProtocol;

/// <summary>nginx reads our PROXY protocol headers as they are meant, and passes over the identity, which it does not know.</summary>
public sealed class NginxProxyProtocolTests : IAsyncLifetime
{
    private static readonly SpiffeId Identity = new("cluster.local", "default", "client");
    private NginxPeer _nginx = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _nginx = await NginxPeer.StartAsync(Token);

    public ValueTask DisposeAsync() => _nginx.DisposeAsync();

    [Theory]
    [InlineData("10.1.2.3", "10.4.5.6", "10.1.2.3 49153 10.4.5.6 8080")]
    [InlineData("fd00::1", "fd00:2::3", "fd00::1 49153 fd00:2::3 8080")]
    [InlineData("10.1.2.3", "fd00:2::3", "::ffff:10.1.2.3 49153 fd00:2::3 8080")]
    public async Task Header_WithIdentity_IsReadByNginx(string source, string destination, string told)
    {
        var header = ProxyHeader.Of(
            new IPEndPoint(IPAddress.Parse(source), 49153), new IPEndPoint(IPAddress.Parse(destination), 8080), Identity);

        Assert.Equal(told, await _nginx.AskAsync(ProxyHeaderWriter.Write(header), Token));
    }

    [Fact]
    public async Task Header_WithoutIdentity_IsReadByNginx()
    {
        var header = ProxyHeader.Of(new IPEndPoint(0x0100000A, 1), new IPEndPoint(0x0200000A, 65_535), identity: null);

        Assert.Equal("10.0.0.1 1 10.0.0.2 65535", await _nginx.AskAsync(ProxyHeaderWriter.Write(header), Token));
    }

    [Fact]
    public async Task Header_Damaged_IsRefusedByNginx()
    {
        var header = ProxyHeaderWriter.Write(
            ProxyHeader.Of(new IPEndPoint(0x0100000A, 1), new IPEndPoint(0x0200000A, 2), Identity));
        header[11] ^= 1; // the signature's last octet

        Assert.Equal("", await _nginx.AskAsync(header, Token));
    }
}
