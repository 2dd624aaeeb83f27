using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Pool;
using Hbone.Proxying;
using Hbone.Tests.Proxying;
using Hbone.Tests.Tls;
using Hbone.Tls;

namespace Hbone.Tests.Pool;

/// <summary>
/// A client whose tunnels run inside tunnels to a gateway, which copies each to a TCP connection to wherever
/// <see cref="Behind"/> points: at first an HBONE server that hands its requests to the test.
/// </summary>
internal sealed class InnerTunnelFixture : IAsyncDisposable
{
    public const string GatewayUri = "spiffe://cluster.local/ns/istio/sa/gateway";
    public const string ServerUri = "spiffe://cluster.local/ns/default/sa/server";
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");
    private static readonly HeaderField[] Request =
        [new(":method", "CONNECT"), new(":authority", "web.example.com:80"), new("x-forwarded-network", "here")];

    private readonly TestLeaf _client;
    private readonly Channel<ConnectRequest> _requests = Channel.CreateUnbounded<ConnectRequest>();
    private readonly ConcurrentBag<Task> _relays = [];
    private readonly ConcurrentBag<Socket> _behind = [];
    private readonly HbonePool _outer;
    private readonly HbonePool _inner;

    /// <param name="options">Of both pools, but the outer one always shares.</param>
    /// <param name="endpoint">Of both pools.</param>
    /// <param name="time">Clock of the inner connections.</param>
    /// <param name="serve">What the server does; when null, the test takes its requests.</param>
    public InnerTunnelFixture(
        HbonePoolOptions? options = null,
        HboneEndpointOptions? endpoint = null,
        TimeProvider? time = null,
        Action<ConnectRequest>? serve = null)
    {
        Root = TestLeaf.Authority("one root");
        _client = Root.Issue([ClientId.ToString()]);
        GatewayLeaf = Root.Issue([GatewayUri]);
        ServerLeaf = Root.Issue([ServerUri]);
        Server = new HboneServer(ServerLeaf.Trusting(Root), serve ?? (request => _requests.Writer.TryWrite(request)));
        Gateway = new HboneServer(GatewayLeaf.Trusting(Root), request => _relays.Add(RelayAsync(request)));
        Behind = Server.Address;
        options ??= new HbonePoolOptions();
        endpoint = (endpoint ?? new HboneEndpointOptions()) with { Revocations = Revocations };
        var certificate = _client.Trusting(Root);
        _outer = new HbonePool(
            options with { SharesConnections = true },
            endpoint,
            DialAsync,
            (_, _) => ValueTask.FromResult(certificate),
            TimeProvider.System);
        _inner = new HbonePool(
            options,
            endpoint,
            OpenOuterAsync,
            (_, _) => ValueTask.FromResult(certificate),
            time ?? TimeProvider.System);
    }

    public TestLeaf Root { get; }

    public TestLeaf GatewayLeaf { get; }

    public TestLeaf ServerLeaf { get; }

    public HboneServer Server { get; }

    public HboneServer Gateway { get; }

    public PeerRevocations Revocations { get; } = new();

    /// <summary>Where the gateway's tunnels lead to.</summary>
    public IPEndPoint Behind { get; set; }

    /// <summary>When set, the gateway refuses with this.</summary>
    public int? Refusal { get; set; }

    /// <summary>Requests that the gateway got.</summary>
    public ConcurrentQueue<ConnectRequest> AtGateway { get; } = [];

    /// <summary>Sockets of the gateway towards the server.</summary>
    public IEnumerable<Socket> SocketsBehind => _behind;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public HbonePoolKey Key(string expected = ServerUri, string authority = "web.example.com:80") =>
        new(ClientId, [SpiffeId.Parse(expected)], Gateway.Address, IPAddress.Loopback)
        {
            Outer = new OuterTunnel([SpiffeId.Parse(GatewayUri)], authority),
        };

    public Task<HboneTunnel> OpenAsync(HbonePoolKey? key = null) =>
        _inner.OpenAsync(key ?? Key(), Request, Token).AsTask().WaitAsync(Deadline, Token);

    /// <summary>The same for a caller who may go away.</summary>
    public Task<HboneTunnel> OpenForAsync(CancellationToken caller) =>
        _inner.OpenAsync(Key(), Request, caller).AsTask().WaitAsync(Deadline, Token);

    /// <summary>Opens a tunnel and takes its request at the server.</summary>
    public async Task<(Http2Stream AtClient, Http2Stream AtServer)> OpenBothAsync(HbonePoolKey? key = null)
    {
        var opening = OpenAsync(key);
        var arriving = NextRequestAsync();
        if (await Task.WhenAny(opening, arriving) == opening)
        {
            await opening;
        }

        var request = await arriving;
        request.Accept();
        return ((await opening).Stream, request.Stream);
    }

    public Task<ConnectRequest> NextRequestAsync() =>
        _requests.Reader.ReadAsync(Token).AsTask().WaitAsync(Deadline, Token);

    public ValueTask CloseInnerAsync() => _inner.DisposeAsync();

    public ValueTask CloseOuterAsync() => _outer.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        await _inner.DisposeAsync();
        await _outer.DisposeAsync();
        await Gateway.DisposeAsync();
        await Server.DisposeAsync();
        await Task.WhenAll(_relays).WaitAsync(Deadline);
        ServerLeaf.Dispose();
        GatewayLeaf.Dispose();
        _client.Dispose();
        Root.Dispose();
    }

    private async ValueTask<HboneTunnel> OpenOuterAsync(
        HbonePoolKey key, ReadOnlyMemory<HeaderField> request, CancellationToken cancellationToken)
    {
        var outer = new HbonePoolKey(key.Source, key.Outer!.Expected, key.Destination, key.DownstreamAddress);
        return await _outer.OpenAsync(outer, request[..2], cancellationToken);
    }

    private async Task RelayAsync(ConnectRequest request)
    {
        AtGateway.Enqueue(request);
        if (Refusal is { } status)
        {
            request.Refuse(status);
            return;
        }

        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _behind.Add(socket);
        await socket.ConnectAsync(Behind);
        request.Accept();
        await TunnelCopy.RunAsync(request.Stream, socket, socketIsClient: false, new Counters());
    }

    private static async ValueTask<Socket> DialAsync(HbonePoolKey key, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(key.Destination, cancellationToken);
        return socket;
    }
}
