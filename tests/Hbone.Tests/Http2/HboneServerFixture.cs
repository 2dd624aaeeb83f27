using System.Net.Sockets;
using System.Threading.Channels;
using Hbone.Http2;
using Hbone.Tls;

namespace Hbone.Tests.Http2;

/// <summary>Our server and the certificates of a stranger that dials it. Requests wait here for the test.</summary>
public abstract class HboneServerFixture : IAsyncDisposable
{
    private protected static readonly SpiffeId ClientId = new("cluster.local", "default", "client");
    private protected static readonly SpiffeId ServerId = new("cluster.local", "default", "server");

    private readonly TestCertificates _certificates = new();
    private readonly Channel<ConnectRequest> _requests = Channel.CreateUnbounded<ConnectRequest>();
    private readonly WorkloadCertificate _client;

    protected HboneServerFixture(HboneEndpointOptions? options = null, TimeProvider? time = null)
    {
        _client = _certificates.Issue(ClientId);
        Server = new HboneServer(_certificates.Issue(ServerId), request => _requests.Writer.TryWrite(request), options, time);
    }

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected HboneServer Server { get; }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        _certificates.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A client whose SETTINGS are exchanged.</summary>
    private protected Task<RawPeer> DialAsync(int? receiveBuffer = null) =>
        RawPeer.DialHttp2Async(Server.Address, _client, receiveBuffer);

    /// <summary>A client that has said nothing of HTTP/2.</summary>
    private protected Task<RawPeer> DialSilentAsync() => RawPeer.DialAsync(Server.Address, _client);

    /// <summary>The server's side of the only connection.</summary>
    private protected async Task<Http2Connection> ConnectionAsync()
    {
        await Eventually.TrueAsync(() => Server.Connections.Count > 0);
        return Assert.Single(Server.Connections);
    }

    private protected Task<ConnectRequest> NextRequestAsync() => _requests.Reader.ReadAsync(Token).AsTask();

    /// <summary>Opens a tunnel on a stream.</summary>
    private protected async Task<ConnectRequest> OpenAsync(RawPeer peer, int streamId)
    {
        await peer.SendAsync(RawFrame.Connect(streamId));
        var request = await NextRequestAsync();
        request.Accept();
        var answer = await peer.ReadAsync(FrameType.Headers);
        Assert.Equal((streamId, 200), (answer.StreamId, answer.Status));
        return request;
    }

    /// <summary>A client of our own.</summary>
    private protected async Task<Http2Connection> ConnectAsync(HboneEndpointOptions? options = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(Server.Address, Token);
        return await HboneEndpoint.ConnectAsync(
            socket, _client, [ServerId], options ?? new HboneEndpointOptions(), TimeProvider.System, Token);
    }

    private protected int UnansweredRequests => _requests.Reader.Count;
}
