using System.Net;
using System.Text.Json;
using Hbone.Proxying.ProxyProtocol;
using Hbone.Tls;

namespace Hbone.Conformance.ProxyProtocol;

/// <summary>
/// aiosmtpd reads our PROXY protocol headers to the last octet: the identity is one value of type 0xD0.
/// </summary>
public sealed class AiosmtpdProxyProtocolTests : IAsyncLifetime
{
    private const int Inet = 1;
    private const int Inet6 = 2;

    private static readonly SpiffeId Identity = new("cluster.local", "default", "client");
    private AiosmtpdPeer _reader = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _reader = await AiosmtpdPeer.StartAsync(Token);

    public ValueTask DisposeAsync() => _reader.DisposeAsync();

    [Theory]
    [InlineData("10.1.2.3", "10.4.5.6", Inet, "10.1.2.3", "10.4.5.6")]
    [InlineData("fd00::1", "fd00:2::3", Inet6, "fd00::1", "fd00:2::3")]
    [InlineData("10.1.2.3", "fd00:2::3", Inet6, "::ffff:10.1.2.3", "fd00:2::3")]
    public async Task Header_WithIdentity_IsReadWhole(
        string source, string destination, int family, string sourceTold, string destinationTold)
    {
        var header = ProxyHeader.Of(
            new IPEndPoint(IPAddress.Parse(source), 49153),
            new IPEndPoint(IPAddress.Parse(destination), 8080),
            Identity);

        var told = await ReadAsync(header);

        Assert.Equal(family, told.GetProperty("family").GetInt32());
        Assert.Equal(IPAddress.Parse(sourceTold), IPAddress.Parse(told.GetProperty("source").GetString()!));
        Assert.Equal(49153, told.GetProperty("sourcePort").GetInt32());
        Assert.Equal(IPAddress.Parse(destinationTold), IPAddress.Parse(told.GetProperty("destination").GetString()!));
        Assert.Equal(8080, told.GetProperty("destinationPort").GetInt32());
        Assert.Equal([("xD0", Identity.ToString())], ValuesOf(told));
    }

    [Fact]
    public async Task Header_WithoutAddresses_IdentityIsRead()
    {
        var told = await ReadAsync(ProxyHeader.WithoutAddresses(Identity));

        Assert.Equal(0, told.GetProperty("family").GetInt32());
        Assert.Equal(JsonValueKind.Null, told.GetProperty("source").ValueKind);
        Assert.Equal([("xD0", Identity.ToString())], ValuesOf(told));
    }

    [Fact]
    public async Task Header_WithoutIdentity_HasNoValue()
    {
        var told = await ReadAsync(
            ProxyHeader.Of(new IPEndPoint(0x0100000A, 1), new IPEndPoint(0x0200000A, 65_535), identity: null));

        Assert.Equal(65_535, told.GetProperty("destinationPort").GetInt32());
        Assert.Empty(ValuesOf(told));
    }

    [Fact]
    public async Task Header_WithLongIdentity_BothOctetsOfItsLengthAreRead()
    {
        var identity = new SpiffeId("cluster.local", new string('n', 700), new string('s', 800));

        var told = await ReadAsync(
            ProxyHeader.Of(new IPEndPoint(0x0100000A, 1), new IPEndPoint(0x0200000A, 2), identity));

        Assert.Equal([("xD0", identity.ToString())], ValuesOf(told));
    }

    [Fact]
    public async Task Header_WhoseValueIsCut_IsAnotherThanOurs()
    {
        // That the peer does look at the length: a header that ends inside the value has none.
        var octets = ProxyHeaderWriter.Write(ProxyHeader.WithoutAddresses(Identity));
        octets[15]--;

        var told = await _reader.ReadAsync(octets[..^1], [], Token);

        Assert.Empty(ValuesOf(told));
    }

    // What is behind the header is the application's, from the first octet on.
    private async Task<JsonElement> ReadAsync(ProxyHeader header)
    {
        var told = await _reader.ReadAsync(ProxyHeaderWriter.Write(header), "the application's"u8.ToArray(), Token);
        Assert.Equal("the application's", told.GetProperty("behind").GetString());
        Assert.Equal("", told.GetProperty("error").GetString());
        Assert.Equal(2, told.GetProperty("version").GetInt32());
        Assert.Equal(1, told.GetProperty("command").GetInt32()); // PROXY
        Assert.Equal(1, told.GetProperty("protocol").GetInt32()); // STREAM
        return told;
    }

    private static IEnumerable<(string Name, string? Value)> ValuesOf(JsonElement told) =>
        told.GetProperty("values").EnumerateObject().Select(value => (value.Name, value.Value.GetString()));
}
