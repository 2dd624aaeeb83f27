using System.Net;
using System.Net.Sockets;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Proxy;
using Ztunnel.Proxy.Failover;
using Ztunnel.Telemetry;
using Ztunnel.Tests.ControlPlane;
using static Ztunnel.Tests.Mesh.TestMesh;
using FakeAuthority = Ztunnel.Tests.Identity.FakeAuthority;
using ManualTime = Fixtures.ManualTime;

namespace Ztunnel.Tests.Proxy.Failover;

/// <summary>
/// The outbound path of a pod, and a service with endpoints at 127.0.0.2 and following. Applications answer a connection
/// with its end; where none was started, connections are refused.
/// </summary>
internal sealed class OutboundFixture : IAsyncDisposable
{
    public const string Vip = "10.0.1.1:80";
    public const string Refused = "io error: Connection refused (os error 111)";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly PodServices _services;
    private readonly Drain _drain = new();
    private readonly OutboundProxy _proxy;
    private readonly FakeAuthority _authority = new();
    private readonly Socket _reserved = NewSocket();
    private readonly List<Socket> _applications = [];
    private readonly List<Task> _accepting = [];

    public OutboundFixture(
        ProxyOptions options, int endpoints, TunnelProtocol protocol = TunnelProtocol.None)
    {
        // Bound and not listening: the port is nobody else's, and refuses.
        _reserved.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Port = (ushort)((IPEndPoint)_reserved.LocalEndPoint!).Port;
        var service = Service("web.example.com", $"80:{Port}", "10.0.1.1");
        Pods = [.. Enumerable.Range(0, endpoints).Select(i =>
            Pod($"p{i}", $"127.0.0.{i + 2}").EndpointOf(service, "") with { Protocol = protocol })];
        var mesh = new MeshState(
            Empty.With(service, Pod("client", "127.0.0.1")).With([.. Pods]), TimeProvider.System);
        _services = new PodServices(
            mesh,
            new WorkloadInfo("client", "ns1", "client"),
            options with { PacketMark = null },
            _authority,
            Loggers,
            Time);
        _proxy = new OutboundProxy(_services.Services, _services.Pod, _drain);
    }

    /// <summary>Stands still: nothing returns by itself.</summary>
    public ManualTime Time { get; } = new();

    public ushort Port { get; }

    public Workload[] Pods { get; }

    public CategoryLoggers Loggers { get; } = new();

    public FailoverMetrics Metrics => _services.Services.Failover;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The application of an endpoint is there from now on.</summary>
    public void Start(int pod)
    {
        var socket = NewSocket();
        _applications.Add(socket);
        socket.Bind(new IPEndPoint(Pods[pod].Addresses[0], Port));
        socket.Listen(100);
        _accepting.Add(AcceptAsync());

        async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    using var accepted = await socket.AcceptAsync();
                    accepted.Shutdown(SocketShutdown.Both);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Stopped.
            }
        }
    }

    /// <summary>Takes a connection to its end.</summary>
    /// <param name="destination">What is dialled.</param>
    /// <param name="waiting">Told when it is reached.</param>
    /// <param name="isGone">Whether the client has reset it before.</param>
    public async Task<ProxyException?> DialAsync(
        string destination = Vip, IEstablished? waiting = null, bool isGone = false)
    {
        var (client, server) = await LoopbackSockets.ConnectAsync(Token);
        using (client)
        using (server)
        {
            if (isGone)
            {
                client.LingerState = new LingerOption(enable: true, seconds: 0);
                client.Dispose();
            }
            else
            {
                client.Shutdown(SocketShutdown.Send);
            }

            return await _proxy
                .ServeAsync(server, new IPEndPoint(IPAddress.Loopback, 4321), IPEndPoint.Parse(destination), waiting)
                .WaitAsync(Limit, Token);
        }
    }

    /// <summary>Gives the pod its certificate when it asks for it.</summary>
    public async Task CertifyAsync()
    {
        var now = DateTimeOffset.UtcNow;
        (await _authority.NextCallAsync()).Succeed(now.AddMinutes(-1), now.AddHours(1));
    }

    /// <inheritdoc cref="PodServices.AccessLog"/>
    public string[] AccessLog() => _services.AccessLog();

    /// <inheritdoc cref="PodServices.ScrapeAsync"/>
    public Task<string> ScrapeAsync() => _services.ScrapeAsync();

    public async ValueTask DisposeAsync()
    {
        await _drain.ForceAsync();
        await _proxy.DisposeAsync();
        await _services.DisposeAsync();
        _authority.Dispose();
        foreach (var application in _applications)
        {
            application.Dispose();
        }

        await Task.WhenAll(_accepting);
        _reserved.Dispose();
        _drain.Dispose();
    }

    private static Socket NewSocket() => new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
}
