using System.Net;
using System.Net.Sockets;
using Hbone;
using Hbone.Http2.Hpack;
using Hbone.Pool;
using Hbone.Proxying;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>
/// A pod's connections to other networks: a tunnel to the server's proxy inside of a tunnel to the gateway of its network.
/// Who serves is known only when the inner tunnel is up.
/// </summary>
internal sealed class RemoteNetworks : IAsyncDisposable
{
    private readonly ProxyServices _services;
    private readonly LocalPod _pod;
    private readonly Drain _drain;
    private readonly HbonePool _gateways;
    private readonly HbonePool _inner;

    /// <param name="services">What all pods share.</param>
    /// <param name="pod">Whose connections they are.</param>
    /// <param name="drain">When to stop.</param>
    /// <param name="gateways">Connections to gateways; not owned, and disposed later.</param>
    /// <param name="endpoint">Parameters of the inner tunnels.</param>
    public RemoteNetworks(
        ProxyServices services, LocalPod pod, Drain drain, HbonePool gateways, HboneEndpointOptions endpoint)
    {
        _services = services;
        _pod = pod;
        _drain = drain;
        _gateways = gateways;
        var options = services.Options;
        _inner = new HbonePool(
            options.Pool with { SharesConnections = options.PoolDoubleHbone },
            endpoint,
            OpenOuterAsync,
            services.Certificates.FetchAsync,
            services.Time);
    }

    /// <summary>Takes one connection to its end. The socket is the caller's.</summary>
    /// <param name="socket">The application's connection.</param>
    /// <param name="source">Where it comes from.</param>
    /// <param name="dialled">What the application dialled.</param>
    /// <param name="workload">The local workload.</param>
    /// <param name="route">A route by double HBONE.</param>
    /// <param name="waiting">Told when the server is reached; null when nobody waits for that.</param>
    /// <returns>Why it failed, reached or not; null when it did not.</returns>
    public async Task<ProxyException?> ServeAsync(
        Socket socket,
        IPEndPoint source,
        IPEndPoint dialled,
        Workload workload,
        OutboundRoute route,
        IEstablished? waiting)
    {
        var startedAt = _services.Time.GetTimestamp();
        var key = new HbonePoolKey(workload.Identity, route.InnerIdentities, route.Dial, source.Address)
        {
            Outer = new OuterTunnel(route.ExpectedIdentities, route.HboneTarget!),
        };
        var opening = await TunnelOpening.ForAsync(
            socket, _inner, key, RequestFor(source, workload, route), _services.Time, _drain.Forced);

        var facts = FactsOf(source, dialled, workload, route);
        if (opening.Tunnel is not { } tunnel)
        {
            _services.Telemetry.Open(facts, _pod.Connections, startedAt).Close(opening.Error);
            return opening.Error;
        }

        using var telemetry = _services.Telemetry.Open(WithServer(facts, tunnel), _pod.Connections, startedAt);
        await using var forced = _drain.Forced.UnsafeRegister(static s => ((Socket)s!).Dispose(), socket);
        await (waiting?.EstablishedAsync() ?? default);
        var result = await TunnelCopy.RunAsync(tunnel.Stream, socket, socketIsClient: true, telemetry);
        var error = _drain.Forced.IsCancellationRequested
            ? Accepted.Drained()
            : CopyErrors.From(result, tunnel.Stream);
        telemetry.Close(error);
        return error;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private static ConnectionFacts FactsOf(
        IPEndPoint source, IPEndPoint dialled, Workload workload, OutboundRoute route) => new()
        {
            Reporter = Reporter.Source,
            SourceAddress = source,
            Source = workload,
            SourceIdentity = workload.Identity,
            DestinationAddress = route.Dial,
            DialledAddress = dialled,
            HboneTarget = route.HboneTarget,
            Destination = route.DestinationWorkload,
            DestinationService = route.DestinationService,
            MutualTls = true,
        };

    // The mesh knows the gateway only; the server says itself who it is, and TLS has proved its identity.
    private ConnectionFacts WithServer(in ConnectionFacts facts, HboneTunnel tunnel) => facts with
    {
        Destination = null,
        DestinationFallback = _services.Options.ResponseBaggage ? PeerBaggage.FallbackFrom(tunnel.Answer) : null,
        DestinationIdentity = tunnel.PeerIds is [var first, ..] ? first : null,
    };

    private HeaderField[] RequestFor(IPEndPoint source, Workload workload, OutboundRoute route) =>
    [
        .. OutboundProxy.RequestFor(source, workload, route),
        HeaderField.OfText("x-forwarded-network", _services.Options.Network),
    ];

    // The gateway is asked for the same; the network is nothing that it has to know.
    private ValueTask<HboneTunnel> OpenOuterAsync(
        HbonePoolKey key, ReadOnlyMemory<HeaderField> request, CancellationToken cancellationToken) =>
        _gateways.OpenAsync(
            new HbonePoolKey(key.Source, key.Outer!.Expected, key.Destination, key.DownstreamAddress),
            request[..^1],
            cancellationToken);
}
