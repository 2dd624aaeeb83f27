using System.Net;
using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Proxying;
using Hbone.Proxying.ProxyProtocol;
using Hbone.Tls;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using Ztunnel.Policy;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>
/// One CONNECT on port 15008: checked in a fixed order, authorized, then connected to the application. The 200 is sent
/// when the application has accepted.
/// </summary>
internal sealed class InboundRequestHandler(ProxyServices services, LocalPod pod, Drain drain, bool preserveSource)
{
    private const int Unauthorized = 401;
    private const int ServiceUnavailable = 503;

    private readonly ILogger<InboundRequestHandler> _logger = services.Loggers.CreateLogger<InboundRequestHandler>();
    private readonly UpstreamConnector _connector = new(
        pod.Netns, services.Loggers.CreateLogger<InboundRequestHandler>().SocketOptionMissing);
    private readonly InboundRouter _router = new(services.Options.Network, services.Options.IllegalPorts);
    private readonly UpstreamSocketOptions _socketOptions = UpstreamSockets.ForApplication(services.Options);

    /// <summary>Answers the request and, if it is granted, carries its bytes to the end.</summary>
    /// <param name="request">The peer's request.</param>
    /// <param name="source">The peer.</param>
    /// <param name="local">The address and port that it dialled.</param>
    public async Task ServeAsync(ConnectRequest request, IPEndPoint source, IPEndPoint local)
    {
        // What is no request at all does not wait for the control plane to tell who we are.
        if (request.Method != "CONNECT")
        {
            Refuse(request, source, local, InboundRefusal.NotConnect(request.Method));
            return;
        }

        if (HboneAuthority.TryParse(request.Authority) is not { } authority)
        {
            Refuse(request, source, local, InboundRefusal.NoAuthority(request.Authority));
            return;
        }

        Workload workload;
        MeshSnapshot snapshot;
        try
        {
            workload = await pod.WorkloadAsync(drain.Forced);
            snapshot = await services.OnDemand.WithCallAsync(
                workload, local.Address, authority, CallerOf(request, source), drain.Forced);
        }
        catch (ProxyException)
        {
            Refuse(request, source, local, InboundRefusal.UnknownLocalWorkload(pod.Info));
            return;
        }
        catch (OperationCanceledException) when (drain.Forced.IsCancellationRequested)
        {
            return;
        }

        var decision = _router.Route(snapshot, workload, local.Address, authority);
        if (decision.Route is not { } route)
        {
            Refuse(request, source, local, decision.Refusal!);
            return;
        }

        var identity = IdentityOf(request);
        using var live = services.Live.Register(
            pod.Info, workload, new PolicyInput(source, route.Target, identity), drain.Forced);
        using var telemetry = services.Telemetry.Open(
            FactsOf(request, snapshot, workload, route, source, local, identity), pod.Connections);
        var error = await services.Authorization.RefusalAsync(live);
        if (error is not null)
        {
            request.Refuse(Unauthorized);
            telemetry.Close(error);
            return;
        }

        error = await ConnectAndCopyAsync(request, workload, route, source, live, telemetry);
        telemetry.Close(
            live.IsClosed ? LiveConnection.NoLongerAllowed() : drain.Forced.IsCancellationRequested ? null : error);
    }

    private ConnectionFacts FactsOf(
        ConnectRequest request,
        MeshSnapshot snapshot,
        Workload workload,
        InboundRoute route,
        IPEndPoint source,
        IPEndPoint local,
        SpiffeId? identity) => new()
        {
            Reporter = Reporter.Destination,
            SourceAddress = source,
            Source = CallerOf(request, source) is { } caller ? snapshot.FindWorkload(caller) : null,
            SourceIdentity = identity,
            SourceFallback = services.Options.ResponseBaggage ? PeerBaggage.FallbackFrom(request) : null,
            DestinationAddress = local,
            ApplicationAddress = route.Target,
            HboneTarget = request.Authority,
            Destination = workload,
            DestinationIdentity = workload.Identity,
            DestinationService = route.DestinationService(
                ForwardedHeader.ParseHost(request.Header("forwarded")), workload),
            MutualTls = true,
        };

    private async Task<ProxyException?> ConnectAndCopyAsync(
        ConnectRequest request,
        Workload workload,
        InboundRoute route,
        IPEndPoint source,
        LiveConnection live,
        ConnectionTelemetry telemetry)
    {
        var dial = route.Dial(services.Options.LocalhostAppTunnel);
        var spoof = preserveSource && !IPAddress.IsLoopback(dial.Address);
        Socket application;
        try
        {
            application = await _connector.ConnectAsync(dial, spoof ? source.Address : null, _socketOptions, live.Ended);
        }
        catch (Exception e) when (e is SocketException or TimeoutException or IOException)
        {
            request.Refuse(ServiceUnavailable);
            return new ProxyException(ConnectionFailure.Connect, $"connection failed: {OutboundErrors.Io(e)}", e);
        }
        catch (OperationCanceledException) when (live.IsClosed)
        {
            request.Refuse(Unauthorized);
            return null;
        }
        catch (OperationCanceledException) when (live.Ended.IsCancellationRequested)
        {
            request.Stream.Reset(Http2ErrorCode.ConnectError);
            return null;
        }

        var baggage = services.Options.ResponseBaggage ? Baggage.Format(workload) : "";
        if (baggage.Length > 0)
        {
            request.Accept(HeaderField.OfText("baggage", baggage));
        }
        else
        {
            request.Accept();
        }

        // The stream by itself: a copy that waits for the peer, not the socket, would learn of its end late.
        await using var streamAtEnd = live.Ended.UnsafeRegister(
            static s => ((Http2Stream)s!).Reset(Http2ErrorCode.ConnectError), request.Stream);
        await using var socketAtEnd = live.CloseAtEnd(application);
        if (route.ProxyDestination is { } destination
            && await SendAsync(application, ProxyHeader.Of(source, destination, IdentityOf(request))) is { } lost)
        {
            request.Stream.Reset(Http2ErrorCode.ConnectError);
            application.Dispose();
            return CopyErrors.From(new CopyResult(lost, null));
        }

        return CopyErrors.From(
            await TunnelCopy.RunAsync(request.Stream, application, socketIsClient: false, telemetry), request.Stream);
    }

    // In front of the caller's bytes, and not counted with them.
    private static async Task<Exception?> SendAsync(Socket application, ProxyHeader header)
    {
        try
        {
            await application.SendAsync(ProxyHeaderWriter.Write(header), SocketFlags.None);
            return null;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return e;
        }
    }

    private static SpiffeId? IdentityOf(ConnectRequest request) => request.PeerIds is [var first, ..] ? first : null;

    private NetworkAddress? CallerOf(ConnectRequest request, IPEndPoint source) =>
        IsFromOtherNetwork(request) ? null : new NetworkAddress(services.Options.Network, source.Address);

    private bool IsFromOtherNetwork(ConnectRequest request) =>
        request.Header("x-forwarded-network") is { } network
        && !network.Equals(services.Options.Network, StringComparison.OrdinalIgnoreCase);

    private void Refuse(ConnectRequest request, IPEndPoint source, IPEndPoint local, InboundRefusal refusal)
    {
        request.Refuse(refusal.StatusCode);
        services.Telemetry.Refuse(
            Reporter.Destination, source, local, new ProxyException(ConnectionFailure.Connect, refusal.Error));
    }
}
