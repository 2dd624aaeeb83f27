using System.Collections.Immutable;
using System.Net;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Mesh;
using Ztunnel.Proxy;

namespace Ztunnel.Dns;

/// <summary>
/// The DNS of one pod, UDP and TCP, inside the pod's network namespace. Sockets are bound by <see cref="Bind"/>, so that a
/// port in use fails the start; queries are answered from <see cref="Start"/> until the drain is over.
/// </summary>
internal sealed class DnsProxy : IAsyncDisposable
{
    /// <summary>Name in log lines.</summary>
    internal const string Component = "dns";

    private readonly DnsServices _services;
    private readonly Drain _drain;
    private readonly DnsSockets _sockets;
    private readonly ILogger<DnsProxy> _logger;
    private readonly ActiveConnections _connections;
    private readonly TcpServer _tcp;
    private readonly UdpServer[] _udp;
    private readonly CancellationTokenSource _forced;
    private Task _answering = Task.CompletedTask;
    private Task _accepting = Task.CompletedTask;

    private DnsProxy(
        DnsServices services, WorkloadInfo info, Netns? netns, Drain drain, ResolverFile file, DnsSockets sockets)
    {
        _services = services;
        _drain = drain;
        _sockets = sockets;
        _forced = CancellationTokenSource.CreateLinkedTokenSource(drain.Forced);
        _logger = services.Loggers.CreateLogger<DnsProxy>();
        var (options, limits, time) = (services.Options, services.Limits, services.Time);
        var responder = new DnsResponder(
            info,
            services,
            new MeshNames(options, file.Search),
            new Forwarder(file, limits, time),
            new UdpTransport(netns, options.PacketMark, limits.Failover, time),
            new TcpTransport(new UpstreamConnector(netns), UpstreamSockets.For(options)));
        Names = new NameLookup(responder, options.Ipv6Enabled);
        var owner = services.Loggers.CreateLogger<ActiveConnections>();
        _connections = new ActiveConnections(owner);
        _tcp = new TcpServer(responder, limits, time, _logger, _connections);
        _udp =
        [
            .. sockets.Udp.Select(
                socket => new UdpServer(
                    socket, responder, limits, time, _logger, new ActiveConnections(owner), netns)),
        ];
        if (file.Servers.IsEmpty)
        {
            _logger.NoNameServers();
        }
    }

    /// <summary>What the pod's names mean, for its proxy.</summary>
    public NameLookup Names { get; }

    /// <summary>Where it is asked: UDP and TCP have the same addresses and ports.</summary>
    public ImmutableArray<IPEndPoint> Addresses => [.. _udp.Select(server => server.Address)];

    /// <summary>Binds the pod's sockets; nothing is left open on failure.</summary>
    /// <param name="services">What all pods share.</param>
    /// <param name="info">The pod.</param>
    /// <param name="netns">Its namespace, lent until this is disposed; null for the process's own.</param>
    /// <param name="drain">Its stop.</param>
    /// <exception cref="ListenException">A port is taken; the message names the address.</exception>
    /// <exception cref="IOException">The resolver configuration cannot be read, or the namespace not be entered.</exception>
    public static DnsProxy Bind(DnsServices services, WorkloadInfo info, Netns? netns, Drain drain)
    {
        var file = services.ReadResolverFile();
        return new DnsProxy(services, info, netns, drain, file, DnsSockets.Open(services.Options, netns));
    }

    /// <summary>Starts to answer.</summary>
    public void Start()
    {
        foreach (var warning in _sockets.Warnings)
        {
            _logger.DnsOptionMissing(warning);
        }

        var (started, forced) = (_drain.Started, _forced.Token);
        _answering = Task.WhenAll(_udp.Select(server => server.RunAsync(started, forced)));
        var logger = _services.Loggers.CreateLogger<AcceptLoop>();
        _accepting = Task.WhenAll(_sockets.Tcp.Select(listener =>
            new AcceptLoop(listener, Component, socket => _tcp.Serve(socket, started, forced), logger)
                .RunAsync(_drain)));
    }

    /// <summary>Closes the sockets before it returns; queries that wait are lost.</summary>
    public void CloseSockets() => _sockets.Dispose();

    /// <summary>Completes when the drain has started and the last query is answered, or the drain is forced.</summary>
    public async Task WhenDrainedAsync()
    {
        await _accepting;
        await _answering;
        await _connections.WhenAllClosedAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _forced.CancelAsync();
        await _answering;
        await _connections.WhenAllClosedAsync();
        _sockets.Dispose();
        foreach (var server in _udp)
        {
            server.Dispose();
        }

        _forced.Dispose();
    }
}
