using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Tls;

namespace Hbone.Tests.Http2;

/// <summary>Our client and a stranger that accepts its connection.</summary>
public abstract class HboneClientFixture : IAsyncDisposable
{
    private protected static readonly HeaderField[] Request = [new(":method", "CONNECT"), new(":authority", "10.0.0.1:80")];

    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");
    private static readonly SpiffeId ServerId = new("cluster.local", "default", "server");

    private readonly TestCertificates _certificates = new();
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private Http2Connection? _client;
    private RawPeer? _server;

    protected HboneClientFixture()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(16);
    }

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected Http2Connection Client => _client!;

    private protected RawPeer Server => _server!;

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        if (_client is not null)
        {
            await _client.DisposeAsync();
        }

        _listener.Dispose();
        _certificates.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A tunnel on stream 1.</summary>
    private protected async Task<Http2Stream> OpenAsync(params (int Id, uint Value)[] settings)
    {
        await ConnectAsync(settings: settings);
        return await OpenNextAsync();
    }

    /// <summary>A tunnel on the next stream.</summary>
    private protected async Task<Http2Stream> OpenNextAsync()
    {
        var stream = await RequestAsync();
        await Server.SendAsync(RawFrame.Headers(stream.Id, false, (":status", "200")));
        Assert.Equal(200, (await Client.WaitAnswerAsync(stream)).Status);
        return stream;
    }

    /// <summary>A request that has arrived and is not answered.</summary>
    private protected async Task<Http2Stream> RequestAsync()
    {
        var stream = Client.TryOpen(Request)!;
        await Server.ReadAsync(f => f.Type == FrameType.Headers && f.StreamId == stream.Id);
        return stream;
    }

    /// <summary>Connects; unless the stranger is to say nothing of HTTP/2 yet, SETTINGS are exchanged.</summary>
    private protected async Task ConnectAsync(
        bool http2 = true,
        Action<SslServerAuthenticationOptions>? configure = null,
        TimeProvider? time = null,
        params (int Id, uint Value)[] settings)
    {
        var certificate = _certificates.Issue(ServerId);
        var accepting = http2
            ? RawPeer.AcceptHttp2Async(_listener, certificate, settings)
            : RawPeer.AcceptAsync(_listener, certificate, configure);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(_listener.LocalEndPoint!, Token);
        _client = await HboneEndpoint.ConnectAsync(
            socket, _certificates.Issue(ClientId), [ServerId], new(), time ?? TimeProvider.System, Token);
        _server = await accepting;
    }
}
