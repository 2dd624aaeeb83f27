using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Pool;
using Hbone.Proxying;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>Port 15001: what the pod's applications dial. Decides where it goes and takes it there.</summary>
internal sealed class OutboundProxy : IAsyncDisposable
{
    private readonly ProxyServices _services;
    private readonly LocalPod _pod;
    private readonly Drain _drain;
    private readonly OutboundRouter _router;
    private readonly UpstreamConnector _connector;
    private readonly UpstreamSocketOptions _socketOptions;
    private readonly HbonePool _pool;
    private readonly RemoteNetworks _networks;
    private readonly ILogger<OutboundProxy> _logger;

    public OutboundProxy(ProxyServices services, LocalPod pod, Drain drain)
    {
        _services = services;
        _pod = pod;
        _drain = drain;
        var options = services.Options;
        _logger = services.Loggers.CreateLogger<OutboundProxy>();
        _router = new OutboundRouter(options.Network, Random.Shared);
        _connector = new UpstreamConnector(pod.Netns, _logger.SocketOptionMissing);
        _socketOptions = UpstreamSockets.For(options);
        var endpoint = UpstreamSockets.EndpointFor(services, pod.Memory) with { Ended = ReportMisbehaviour };
        _pool = new HbonePool(options.Pool, endpoint, DialAsync, services.Certificates.FetchAsync, services.Time);
        _networks = new RemoteNetworks(services, pod, drain, _pool, endpoint);
    }

    /// <summary>Takes one captured connection to its end. Owns the socket.</summary>
    public async Task ServeAsync(Socket socket)
    {
        _services.Telemetry.Metrics.SocketOpened(Reporter.Source);
        try
        {
            if (Accepted.PeerOf(socket) is { } source)
            {
                await ServeAsync(socket, source, Accepted.OriginalDestinationOf(socket, _logger), waiting: null);
            }
        }
        finally
        {
            socket.Dispose();
            _services.Telemetry.Metrics.SocketClosed(Reporter.Source);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _networks.DisposeAsync(); // its tunnels run inside of the others
        await _pool.DisposeAsync();
    }

    /// <summary>The CONNECT for a route. Order and spelling as peers have always seen them (RFC 9113 section 8.5).</summary>
    public static HeaderField[] RequestFor(IPEndPoint source, Workload workload, OutboundRoute route) =>
    [
        new(":method", "CONNECT"),
        HeaderField.OfText(":authority", route.HboneTarget!),
        HeaderField.OfText("baggage", Baggage.Format(workload)),
        HeaderField.OfText("forwarded", ForwardedHeader.Format(source, route.DestinationService?.Hostname)),
        new("traceparent", TraceParent.Create(Random.Shared).ToString()),
    ];

    /// <summary>Takes a connection to its end whose destination is known. Another may be tried if this one fails.</summary>
    /// <param name="socket">Lent.</param>
    /// <param name="source">Who connects.</param>
    /// <param name="destination">What is dialled.</param>
    /// <param name="waiting">Told when the destination is reached; null when nobody waits for that.</param>
    /// <returns>Why it failed, reached or not; null when it did not.</returns>
    public async Task<ProxyException?> ServeAsync(
        Socket socket, IPEndPoint source, IPEndPoint destination, IEstablished? waiting)
    {
        Workload workload;
        OutboundRoute route;
        var started = Stopwatch.GetTimestamp();
        try
        {
            if (IPAddress.IsLoopback(destination.Address) && _services.Options.IsIllegalPort((ushort)destination.Port))
            {
                throw new ProxyException(ConnectionFailure.Connect, "attempted recursive call to ourselves");
            }

            workload = await _pod.WorkloadAsync(_drain.Forced);
            var address = new NetworkAddress(_services.Options.Network, destination.Unmapped().Address);
            var snapshot = await _services.OnDemand.WithAddressAsync(address, _drain.Forced);
            route = _router.Route(snapshot, workload, destination, source.Address);
            _services.Decisions.Add(started);
            route = await _services.Named.CompleteAsync(route, workload, _drain.Forced);
        }
        catch (ProxyException e)
        {
            _services.Telemetry.Refuse(Reporter.Source, source, destination, e);
            return e;
        }
        catch (OperationCanceledException) when (_drain.Forced.IsCancellationRequested)
        {
            return Accepted.Drained();
        }

        if (route.Protocol == OutboundProtocol.DoubleHbone)
        {
            return await _networks.ServeAsync(socket, source, destination, workload, route, waiting);
        }

        var isHbone = route.Protocol == OutboundProtocol.Hbone;
        using var telemetry = _services.Telemetry.Open(new ConnectionFacts
        {
            Reporter = Reporter.Source,
            SourceAddress = source,
            Source = workload,
            SourceIdentity = isHbone ? workload.Identity : null,
            DestinationAddress = route.Dial,
            DialledAddress = destination,
            HboneTarget = route.HboneTarget,
            Destination = route.DestinationWorkload,
            DestinationIdentity = isHbone ? route.DestinationWorkload?.Identity : null,
            DestinationService = route.DestinationService,
            MutualTls = isHbone,
        }, _pod.Connections);
        await using var forced = _drain.Forced.UnsafeRegister(static s => ((Socket)s!).Dispose(), socket);
        var error = await (isHbone
            ? TunnelAsync(socket, source, workload, route, waiting, telemetry)
            : PassAsync(socket, route, waiting, telemetry));
        error = _drain.Forced.IsCancellationRequested ? Accepted.Drained() : error;
        telemetry.Close(error);
        return error;
    }

    private async Task<ProxyException?> TunnelAsync(
        Socket socket,
        IPEndPoint source,
        Workload workload,
        OutboundRoute route,
        IEstablished? waiting,
        ConnectionTelemetry telemetry)
    {
        var key = new HbonePoolKey(workload.Identity, route.ExpectedIdentities, route.Dial, source.Address);
        var opening = await TunnelOpening.ForAsync(
            socket, _pool, key, RequestFor(source, workload, route), _services.Time, _drain.Forced);
        if (opening.Tunnel is not { Stream: var stream })
        {
            return opening.Error;
        }

        await (waiting?.EstablishedAsync() ?? default);
        return CopyErrors.From(await TunnelCopy.RunAsync(stream, socket, socketIsClient: true, telemetry), stream);
    }

    private ValueTask<Socket> DialAsync(HbonePoolKey key, CancellationToken cancellationToken)
    {
        _services.Crl?.RetryIfMissing();
        return _connector.ConnectAsync(key.Destination, sourceToPreserve: null, _socketOptions, cancellationToken);
    }

    private async Task<ProxyException?> PassAsync(
        Socket socket, OutboundRoute route, IEstablished? waiting, ConnectionTelemetry telemetry)
    {
        Socket upstream;
        try
        {
            upstream = await _connector.ConnectAsync(route.Dial, null, _socketOptions, _drain.Forced);
        }
        catch (Exception e) when (e is SocketException or TimeoutException or IOException)
        {
            return new ProxyException(ConnectionFailure.Connect, $"io error: {OutboundErrors.Io(e)}", e);
        }
        catch (OperationCanceledException) when (_drain.Forced.IsCancellationRequested)
        {
            return Accepted.Drained();
        }

        await using var forced = _drain.Forced.UnsafeRegister(static s => ((Socket)s!).Dispose(), upstream);
        await (waiting?.EstablishedAsync() ?? default);
        return CopyErrors.From(await SocketCopy.RunAsync(
            socket, upstream, telemetry, _pod.Memory, _services.Pipes));
    }

    private void ReportMisbehaviour(Http2Connection connection)
    {
        if (connection.Failure is { Code: not (Http2ErrorCode.NoError or Http2ErrorCode.ConnectError) } failure)
        {
            var identity = connection.PeerIds is [var first, ..] ? first : null;
            _logger.ServerMisbehaved(identity, failure.Code, failure.Message);
        }
    }
}
