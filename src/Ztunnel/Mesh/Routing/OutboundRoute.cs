using System.Collections.Immutable;
using System.Net;
using Hbone.Tls;

namespace Ztunnel.Mesh.Routing;

/// <summary>How a captured connection goes on.</summary>
internal enum OutboundProtocol
{
    /// <summary>As it came.</summary>
    Tcp,

    /// <summary>Through a CONNECT to the destination's or a waypoint's port 15008.</summary>
    Hbone,

    /// <summary>Through a CONNECT to the server, inside of a CONNECT to the gateway of its network.</summary>
    DoubleHbone,
}

/// <summary>What was decided for one captured connection.</summary>
internal sealed record OutboundRoute
{
    public required OutboundProtocol Protocol { get; init; }

    /// <summary>Whom to connect to: <c>dst.addr</c> of the access log. Only the port counts until <see cref="Named"/> is null.</summary>
    public required IPEndPoint Dial { get; init; }

    /// <summary>
    /// The CONNECT's <c>:authority</c>, <c>ip:port</c> or <c>[ip]:port</c>, for both CONNECTs of double HBONE
    /// <c>hostname:port</c>; null without HBONE.
    /// </summary>
    public string? HboneTarget { get; init; }

    /// <summary>Who has to be looked up before anything can be dialled; null when its address is known.</summary>
    public NamedDestination? Named { get; init; }

    /// <summary>Whom the certificate of the peer at <see cref="Dial"/> may name; empty without HBONE.</summary>
    public ImmutableArray<SpiffeId> ExpectedIdentities { get; init; } = [];

    /// <summary>Whom the certificate of the server behind the gateway may name; empty unless double HBONE.</summary>
    public ImmutableArray<SpiffeId> InnerIdentities { get; init; } = [];

    /// <summary>
    /// Whom <see cref="Dial"/> belongs to, the waypoint or gateway if there is one; null for addresses outside the mesh.
    /// </summary>
    public Workload? DestinationWorkload { get; init; }

    /// <summary>
    /// Whom <see cref="Dial"/> reaches, when it was chosen from several: the endpoint, waypoint or gateway whose failure
    /// another may make up for. Null where there was no choice, as for a pod that was dialled by its address.
    /// </summary>
    public ChosenEndpoint? Chosen { get; init; }

    /// <summary>The service that the application addressed, for telemetry and <c>forwarded</c>.</summary>
    public Service? DestinationService { get; init; }
}

/// <summary>An endpoint that was chosen from several.</summary>
/// <param name="Key">Which.</param>
/// <param name="Candidates">How many there were, itself included.</param>
/// <param name="Serves">
/// Whether the application itself is behind it, so that its proxy's <c>503</c> says that the application takes no connection;
/// false for waypoints and gateways, whose <c>503</c> is about others.
/// </param>
internal sealed record ChosenEndpoint(EndpointKey Key, int Candidates, bool Serves)
{
    /// <summary>Null without a choice, or an address that is known: names are looked up anew for each connection.</summary>
    public static ChosenEndpoint? Of(Upstream upstream, bool serves) =>
        upstream is { Candidates: > 1, Address: { } address }
        && !AddressSelection.IsUnknown(upstream.Workload, address.Address)
            ? new(new(upstream.Workload.Uid, address), upstream.Candidates, serves)
            : null;
}
