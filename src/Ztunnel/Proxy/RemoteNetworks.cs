using Hbone;
using Hbone.Http2.Hpack;
using Hbone.Pool;
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
    private readonly Drain _drain;
    private readonly HbonePool _gateways;
    private readonly HbonePool _inner;

    /// <param name="services">What all pods share.</param>
    /// <param name="drain">When to stop.</param>
    /// <param name="gateways">Connections to gateways; not owned, and disposed later.</param>
    /// <param name="endpoint">Parameters of the inner tunnels.</param>
    public RemoteNetworks(
        ProxyServices services, Drain drain, HbonePool gateways, HboneEndpointOptions endpoint)
    {
        _services = services;
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

    /// <summary>Opens the tunnel to the server. Only the gateway can be told apart before it is up.</summary>
    /// <param name="client">Whose connection it is.</param>
    /// <param name="route">A route by double HBONE.</param>
    /// <param name="patience">How long to wait for both tunnels' connections; null for the pools' limits.</param>
    public async Task<TunnelOpening> OpenAsync(OutboundClient client, OutboundRoute route, TimeSpan? patience)
    {
        var key = new HbonePoolKey(client.Workload.Identity, route.InnerIdentities, route.Dial, client.Source.Address)
        {
            Outer = new OuterTunnel(route.ExpectedIdentities, route.HboneTarget!),
        };
        var opening = await TunnelOpening.ForAsync(
            client.Socket, _inner, key, RequestFor(client, route), _services.Time, _drain.Forced, patience);
        return opening.Error?.InnerException is HboneConnectException { InnerException: TimeoutException silence }
            && _gateways.IsConnected(OuterKeyOf(key))
            ? new(null, OutboundErrors.From(new HboneTlsException(silence.Message, silence))) // it is the server who is silent
            : opening;
    }

    /// <summary>
    /// What is known of the connection when the tunnel is up, or when there is none. It is neither listed nor counted before.
    /// </summary>
    public ConnectionFacts FactsOf(OutboundClient client, OutboundRoute route, HboneTunnel? tunnel)
    {
        var facts = new ConnectionFacts
        {
            Reporter = Reporter.Source,
            SourceAddress = client.Source,
            Source = client.Workload,
            SourceIdentity = client.Workload.Identity,
            DestinationAddress = route.Dial,
            DialledAddress = client.Dialled,
            HboneTarget = route.HboneTarget,
            Destination = route.DestinationWorkload,
            DestinationService = route.DestinationService,
            MutualTls = true,
            ByGateway = true,
        };
        return tunnel is null ? facts : WithServer(facts, tunnel);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    // The mesh knows the gateway only; the server says itself who it is, and TLS has proved its identity.
    private ConnectionFacts WithServer(in ConnectionFacts facts, HboneTunnel tunnel) => facts with
    {
        Destination = null,
        DestinationFallback = _services.Options.ResponseBaggage ? PeerBaggage.FallbackFrom(tunnel.Answer) : null,
        DestinationIdentity = tunnel.PeerIds is [var first, ..] ? first : null,
    };

    private HeaderField[] RequestFor(OutboundClient client, OutboundRoute route) =>
    [
        .. OutboundProxy.RequestFor(client.Source, client.Workload, route),
        HeaderField.OfText("x-forwarded-network", _services.Options.Network),
    ];

    // The gateway is asked for the same; the network is nothing that it has to know.
    private ValueTask<HboneTunnel> OpenOuterAsync(
        HbonePoolKey key, ReadOnlyMemory<HeaderField> request, CancellationToken cancellationToken) =>
        _gateways.OpenAsync(OuterKeyOf(key), request[..^1], cancellationToken);

    private static HbonePoolKey OuterKeyOf(HbonePoolKey inner) =>
        new(inner.Source, inner.Outer!.Expected, inner.Destination, inner.DownstreamAddress);
}
