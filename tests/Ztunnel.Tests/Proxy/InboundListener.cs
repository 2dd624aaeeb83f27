using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Hbone;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Tests.Http2;
using Hbone.Tls;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Redirection;
using Ztunnel.Config;
using Ztunnel.Identity;
using Ztunnel.Mesh;
using Ztunnel.Proxy;
using Ztunnel.Tests.Mesh;

namespace Ztunnel.Tests.Proxy;

/// <summary>
/// Port 15008 of the pod 127.0.0.1 as the proxy serves it: a listener, its accept loop, and what comes after. Peers have
/// certificates of the same authority and come from whatever loopback address a test likes.
/// </summary>
internal sealed class InboundListener : IAsyncDisposable
{
    private static readonly SpiffeId Server = new("cluster.local", "ns1", "server");

    private readonly Fixtures.TestCertificates _certificates = new();
    private readonly PodServices _services;
    private readonly ActiveConnections _active = new(NullLogger<ActiveConnections>.Instance);
    private readonly Drain _drain = new();
    private readonly Task _accepting;

    /// <param name="options">Limits of the proxy.</param>
    /// <param name="time">Clock of the connections' limits.</param>
    /// <param name="workload">The pod's, if it is anything but ordinary.</param>
    /// <param name="authority">Who signs the pod's certificate, if not the authority of the peers.</param>
    public InboundListener(
        ProxyOptions options,
        TimeProvider? time = null,
        Func<Workload, Workload>? workload = null,
        ICertificateAuthority? authority = null)
    {
        var pod = TestMesh.Pod("server", "127.0.0.1").Hbone();
        _services = new PodServices(
            new MeshState(TestMesh.Empty.With(workload?.Invoke(pod) ?? pod), TimeProvider.System),
            new WorkloadInfo("server", "ns1", "server"),
            options with { PacketMark = null },
            authority ?? new Signer(_certificates),
            Loggers,
            time ?? TimeProvider.System);
        var listener = TransparentListener.Open(new ListenerOptions(
            new IPEndPoint(IPAddress.Loopback, 0), Mark: null, ReusePort: false, Transparent: false, Backlog: 512));
        Address = listener.LocalEndPoint;
        var inbound = new InboundProxy(
            _services.Services, _services.Pod, _drain, TryRun, preserveSource: false);
        var loop = new AcceptLoop(
            listener, "inbound", socket => _active.Run(() => inbound.ServeAsync(socket)), Loggers.CreateLogger<AcceptLoop>());
        _accepting = loop.RunAsync(_drain);
    }

    public CategoryLoggers Loggers { get; } = new();

    public IPEndPoint Address { get; }

    /// <summary>Connections that are not over, in the handshake or later.</summary>
    public int Active => _active.Count;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What the proxy warned of.</summary>
    public string[] Warnings => Loggers.LinesOf<InboundProxy>(LogLevel.Warning);

    /// <summary>Descriptors that our side still has of connections to the listener.</summary>
    public int OpenSockets() =>
        IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections().Count(connection =>
            connection.LocalEndPoint.Port == Address.Port
            && connection.State is (TcpState.Established or TcpState.CloseWait));

    /// <summary>A TCP connection, and not a byte more.</summary>
    public async Task<Socket> DialAsync(IPAddress from)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Bind(new IPEndPoint(from, 0));
        await socket.ConnectAsync(Address, Token);
        return socket;
    }

    /// <summary>A TCP connection that is reset as soon as it is accepted.</summary>
    /// <returns>Where it came from.</returns>
    public async Task<IPEndPoint> DialResetAsync(IPAddress from)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(InboundFixture.Limit);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(from, 0));
        var local = (IPEndPoint)socket.LocalEndPoint!;

        // It can be there before connecting is over.
        var error = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            await socket.ConnectAsync(Address, limit.Token);
            await socket.ReceiveAsync(new byte[1], limit.Token);
        });
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
        return local;
    }

    /// <summary>An HBONE connection of our own client.</summary>
    /// <returns>It and where it comes from.</returns>
    public async Task<(Http2Connection Connection, IPEndPoint From)> ConnectAsync(SpiffeId identity, IPAddress from)
    {
        var socket = await DialAsync(from);
        var local = (IPEndPoint)socket.LocalEndPoint!;
        var connection = await HboneEndpoint.ConnectAsync(
            socket, _certificates.Issue(identity), [Server], new(), TimeProvider.System, Token);
        return (connection, local);
    }

    /// <summary>A peer that says what the test tells it, SETTINGS exchanged.</summary>
    public Task<RawPeer> DialHttp2Async(SpiffeId identity) =>
        RawPeer.DialHttp2Async(Address, _certificates.Issue(identity));

    /// <summary>A peer that has finished the handshake and says nothing.</summary>
    public Task<RawPeer> DialSilentAsync(SpiffeId identity) => RawPeer.DialAsync(Address, _certificates.Issue(identity));

    /// <summary>The answer to a CONNECT to an application; throws when the connection is over.</summary>
    public static async Task<ConnectAnswer> RequestAsync(
        Http2Connection connection, Socket application, params HeaderField[] headers)
    {
        HeaderField[] connect = [new(":method", "CONNECT"), new(":authority", application.LocalEndPoint!.ToString()!)];
        var stream = connection.TryOpen([.. connect, .. headers]);
        Assert.NotNull(stream);
        return await connection.WaitAnswerAsync(stream).AsTask().WaitAsync(InboundFixture.Limit, Token);
    }

    /// <summary>The metrics as text.</summary>
    public Task<string> ScrapeAsync() => _services.ScrapeAsync();

    /// <summary>Waits until no connection is left, and returns the access log.</summary>
    public async Task<string[]> AccessLogAsync()
    {
        await _active.WhenAllClosedAsync().WaitAsync(InboundFixture.Limit, Token);
        return _services.AccessLog();
    }

    public async ValueTask DisposeAsync()
    {
        await _drain.StartAsync();
        await _accepting;
        await _drain.ForceAsync();
        await _active.WhenAllClosedAsync();
        await _services.DisposeAsync();
        _drain.Dispose();
        _certificates.Dispose();
        Loggers.Dispose();
    }

    private sealed class Signer(Fixtures.TestCertificates certificates) : ICertificateAuthority
    {
        public Task<WorkloadCertificate> IssueAsync(SpiffeId identity, CancellationToken cancellationToken) =>
            Task.FromResult(certificates.Issue(identity));

        public void Dispose()
        {
            // The test owns the authority.
        }
    }

    private bool TryRun(Func<Task> serve)
    {
        _active.Run(serve);
        return true;
    }
}
