using System.Net;
using System.Net.Sockets;
using Hbone;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Pool;
using Hbone.Tls;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Proxy;
using Ztunnel.Tests.ControlPlane;
using Ztunnel.Tests.Identity;

namespace Ztunnel.Tests.Proxy;

/// <summary>The inbound paths of one pod at 127.0.0.1 over a mesh of the test, and a peer with one HBONE connection.</summary>
internal sealed class InboundFixture : IAsyncDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly PodServices _services;
    private readonly InboundPassthrough _passthrough;
    private readonly HbonePool _pool;
    private readonly ActiveConnections _active = new(NullLogger<ActiveConnections>.Instance);

    // The pool dials once: its streams share the connection.
    private readonly TaskCompletionSource<Http2Connection> _served = new();
    private int _dials;

    public InboundFixture(MeshState mesh, WorkloadInfo pod)
    {
        _services = new PodServices(
            mesh,
            pod,
            new ProxyOptions { PacketMark = null },
            new FakeAuthority(),
            NullLoggerFactory.Instance,
            TimeProvider.System);
        _passthrough = new InboundPassthrough(_services.Services, _services.Pod, Drain, preserveSource: false);
        var handler = new InboundRequestHandler(_services.Services, _services.Pod, Drain, preserveSource: false);
        var now = DateTimeOffset.UtcNow;
        var certificate = Identity.TestCertificates.Issue(
            Identity.TestCertificates.Alice, now.AddMinutes(-1), now.AddHours(1));
        _pool = new HbonePool(
            new HbonePoolOptions(),
            new HboneEndpointOptions(),
            async (key, token) =>
            {
                Interlocked.Increment(ref _dials);
                var (client, server) = await LoopbackSockets.ConnectAsync(token);
                var source = (IPEndPoint)server.RemoteEndPoint!;
                var destination = (IPEndPoint)server.LocalEndPoint!;
                _ = AcceptAsync(); // its outcome is in _served
                return client;

                async Task AcceptAsync()
                {
                    try
                    {
                        _served.SetResult(await HboneEndpoint.AcceptAsync(
                            server,
                            certificate,
                            new HboneEndpointOptions(),
                            request => _active.Run(() => handler.ServeAsync(request, source, destination)),
                            TimeProvider.System,
                            token));
                    }
                    catch (TlsException e)
                    {
                        _served.SetException(e);
                    }
                }
            },
            (_, _) => ValueTask.FromResult(certificate),
            TimeProvider.System);
    }

    public Drain Drain { get; } = new();

    /// <summary>HBONE connections that the peer has made.</summary>
    public int Dials => Volatile.Read(ref _dials);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>An application that listens on a port of the pod.</summary>
    public static Socket Listen(int backlog = 2)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(backlog);
        return listener;
    }

    /// <summary>The peer's next stream; its answer is in it.</summary>
    public ValueTask<HboneTunnel> OpenAsync(Socket application)
    {
        var alice = Identity.TestCertificates.Alice;
        var key = new HbonePoolKey(alice, [alice], new IPEndPoint(IPAddress.Loopback, 15008), IPAddress.Loopback);
        HeaderField[] connect = [new(":method", "CONNECT"), new(":authority", application.LocalEndPoint!.ToString()!)];
        return _pool.OpenAsync(key, connect, Token);
    }

    /// <summary>
    /// A plain connection to the application as if redirected to port 15006. Without a rule that rewrites it, where it was
    /// accepted is where it goes on to.
    /// </summary>
    /// <returns>The peer's end and the application's.</returns>
    public async Task<(Socket Peer, Socket Application)> PassAsync(Socket application)
    {
        var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(application.LocalEndPoint!, Token);
        var redirected = await application.AcceptAsync(Token);
        _active.Run(() => _passthrough.ServeAsync(redirected));
        var accepted = await application.AcceptAsync(Token);
        // The kernel accepts before the proxy knows: a byte that came through shows that it copies.
        await peer.SendAsync(new byte[1], Token);
        await accepted.ReceiveAsync(new byte[1], Token);
        return (peer, accepted);
    }

    /// <summary>Waits until no connection is left, and returns the access log.</summary>
    public async Task<string[]> AccessLogAsync()
    {
        await _active.WhenAllClosedAsync().WaitAsync(Limit, Token);
        return _services.AccessLog();
    }

    /// <summary>The metrics as text.</summary>
    public Task<string> ScrapeAsync() => _services.ScrapeAsync();

    public async ValueTask DisposeAsync()
    {
        await Drain.ForceAsync();
        await _pool.DisposeAsync();
        if (Dials > 0)
        {
            await (await _served.Task).DisposeAsync();
        }

        await _active.WhenAllClosedAsync();
        await _services.DisposeAsync();
        Drain.Dispose();
    }
}
