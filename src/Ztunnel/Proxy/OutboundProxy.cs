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
using Ztunnel.Proxy.Failover;
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
    private readonly EndpointFailures? _failures;
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
        _networks = new RemoteNetworks(services, drain, _pool, endpoint);
        _failures = options.Failover.Ejection
            ? new EndpointFailures(
                pod.Info,
                services.Failover,
                services.Loggers.CreateLogger<EndpointFailures>(),
                Random.Shared,
                services.Time)
            : null;
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
        _failures?.Dispose();
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
        OutboundClient client;
        OutboundRoute route;
        var started = Stopwatch.GetTimestamp();
        try
        {
            if (IPAddress.IsLoopback(destination.Address) && _services.Options.IsIllegalPort((ushort)destination.Port))
            {
                throw Recursive();
            }

            var workload = await _pod.WorkloadAsync(_drain.Forced);
            var address = new NetworkAddress(_services.Options.Network, destination.Unmapped().Address);
            var snapshot = await _services.OnDemand.WithAddressAsync(address, _drain.Forced);
            client = new OutboundClient(socket, source, destination, workload, snapshot, waiting);
            route = client.RouteBy(_router, new PassedOver(_failures?.Ejected));
            _services.Decisions.Add(started);
            route = await _services.Named.CompleteAsync(route, workload, _drain.Forced);
            if (route.Protocol == OutboundProtocol.Tcp && IsOurListener(socket, destination))
            {
                throw Recursive();
            }
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

        return await CarryAsync(
            client, new ConnectAttempts(_services.Options, _failures, _services.Failover, _services.Time, route));
    }

    // Counted and logged once, with the destination that it was connected to, or else the last that was tried.
    private async Task<ProxyException?> CarryAsync(OutboundClient client, ConnectAttempts attempts)
    {
        while (true)
        {
            var route = attempts.Route;
            using var known = route.Protocol == OutboundProtocol.DoubleHbone
                ? null
                : Telemetry(FactsOf(client, route), attempts, mayChange: attempts.HasAlternative);
            var opening = await OpenAsync(client, attempts);
            if (opening.Error is { } failure
                && !_drain.Forced.IsCancellationRequested
                && attempts.TryAnother(failure.InnerException, failure, _router, client, _logger))
            {
                known?.Abandon();
                continue;
            }

            using var telemetry = known
                ?? Telemetry(_networks.FactsOf(client, route, opening.Tunnel), attempts, mayChange: false);
            telemetry.Opened();
            var error = opening.Error;
            if (error is null)
            {
                attempts.Succeeded();
                client.Connected();
                error = await CopyAsync(client, opening, telemetry);
            }

            error = _drain.Forced.IsCancellationRequested ? Accepted.Drained() : error;
            telemetry.Close(error);
            return error;
        }
    }

    private static ProxyException Recursive() =>
        new(ConnectionFailure.Connect, "attempted recursive call to ourselves");

    // Not redirected, but dialled by an address of the pod: from us it would lead here again, and again.
    private bool IsOurListener(Socket socket, IPEndPoint destination) =>
        _services.Options.IsIllegalPort((ushort)destination.Port)
        && destination.Unmapped().Equals(((IPEndPoint)socket.LocalEndPoint!).Unmapped());

    private ConnectionTelemetry Telemetry(in ConnectionFacts facts, ConnectAttempts attempts, bool mayChange) =>
        _services.Telemetry.Open(facts, _pod.Connections, attempts.StartedAt, mayChange);

    private static ConnectionFacts FactsOf(OutboundClient client, OutboundRoute route)
    {
        var isHbone = route.Protocol == OutboundProtocol.Hbone;
        return new ConnectionFacts
        {
            Reporter = Reporter.Source,
            SourceAddress = client.Source,
            Source = client.Workload,
            SourceIdentity = isHbone ? client.Workload.Identity : null,
            DestinationAddress = route.Dial,
            DialledAddress = client.Dialled,
            HboneTarget = route.HboneTarget,
            Destination = route.DestinationWorkload,
            DestinationIdentity = isHbone ? route.DestinationWorkload?.Identity : null,
            DestinationService = route.DestinationService,
            MutualTls = isHbone,
        };
    }

    private Task<UpstreamOpening> OpenAsync(OutboundClient client, ConnectAttempts attempts) =>
        attempts.Route.Protocol switch
        {
            OutboundProtocol.DoubleHbone => UpstreamOpening.OfAsync(
                _networks.OpenAsync(client, attempts.Route, attempts.TunnelPatience)),
            OutboundProtocol.Hbone => UpstreamOpening.OfAsync(OpenTunnelAsync(client, attempts)),
            _ => ConnectAsync(client, attempts),
        };

    private Task<TunnelOpening> OpenTunnelAsync(OutboundClient client, ConnectAttempts attempts)
    {
        var (source, workload, route) = (client.Source, client.Workload, attempts.Route);
        var key = new HbonePoolKey(workload.Identity, route.ExpectedIdentities, route.Dial, source.Address);
        return TunnelOpening.ForAsync(
            client.Socket,
            _pool,
            key,
            RequestFor(source, workload, route),
            _services.Time,
            _drain.Forced,
            attempts.TunnelPatience);
    }

    private async Task<UpstreamOpening> ConnectAsync(OutboundClient client, ConnectAttempts attempts)
    {
        var options = attempts.ConnectPatience is { } patience
            ? _socketOptions with { ConnectTimeout = patience }
            : _socketOptions;
        await using var forced = _drain.Forced.UnsafeRegister(static s => ((Socket)s!).Dispose(), client.Socket);
        try
        {
            return new(await _connector.ConnectAsync(attempts.Route.Dial, null, options, _drain.Forced));
        }
        catch (Exception e) when (e is SocketException or TimeoutException or IOException)
        {
            return new(new ProxyException(ConnectionFailure.Connect, $"io error: {OutboundErrors.Io(e)}", e));
        }
        catch (OperationCanceledException) when (_drain.Forced.IsCancellationRequested)
        {
            return new(Accepted.Drained());
        }
    }

    private async Task<ProxyException?> CopyAsync(
        OutboundClient client, UpstreamOpening opening, ConnectionTelemetry telemetry)
    {
        await using var forced = _drain.Forced.UnsafeRegister(static s => ((Socket)s!).Dispose(), client.Socket);
        if (opening.Tunnel is { Stream: var stream })
        {
            await (client.Waiting?.EstablishedAsync() ?? default);
            return CopyErrors.From(
                await TunnelCopy.RunAsync(stream, client.Socket, socketIsClient: true, telemetry), stream);
        }

        var upstream = opening.Socket!;
        await using var both = _drain.Forced.UnsafeRegister(static s => ((Socket)s!).Dispose(), upstream);
        await (client.Waiting?.EstablishedAsync() ?? default);
        return CopyErrors.From(await SocketCopy.RunAsync(
            client.Socket, upstream, telemetry, _pod.Memory, _services.Pipes));
    }

    private ValueTask<Socket> DialAsync(HbonePoolKey key, CancellationToken cancellationToken)
    {
        _services.Crl?.RetryIfMissing();
        return _connector.ConnectAsync(key.Destination, sourceToPreserve: null, _socketOptions, cancellationToken);
    }

    private void ReportMisbehaviour(Http2Connection connection)
    {
        var failure = connection.Failure;
        if (failure is { IsPingTimeout: true }
            || failure is { Code: not (Http2ErrorCode.NoError or Http2ErrorCode.ConnectError) })
        {
            var identity = connection.PeerIds is [var first, ..] ? first : null;
            _logger.ServerMisbehaved(identity, failure.Code, failure.Message);
        }
    }
}
