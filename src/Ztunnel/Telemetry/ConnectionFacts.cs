using System.Net;
using Hbone.Tls;
using Ztunnel.Mesh;

namespace Ztunnel.Telemetry;

/// <summary>
/// What is known about a connection when it is opened: everything that log and metrics say about its ends.
/// </summary>
internal readonly record struct ConnectionFacts
{
    public required Reporter Reporter { get; init; }

    /// <summary><c>src.addr</c>: who connected to us.</summary>
    public required IPEndPoint SourceAddress { get; init; }

    public Workload? Source { get; init; }

    /// <summary>
    /// Proved by TLS: our workload's identity when it is the source, else the peer's. Null on plaintext.
    /// </summary>
    public SpiffeId? SourceIdentity { get; init; }

    /// <summary>What a peer says about itself; used only when <see cref="Source"/> is unknown.</summary>
    public ClaimedLabels? SourceFallback { get; init; }

    /// <summary><c>dst.addr</c>: the next hop, on an HBONE server its own address.</summary>
    public required IPEndPoint DestinationAddress { get; init; }

    /// <summary>Outbound, what the application dialled; null inbound.</summary>
    public IPEndPoint? DialledAddress { get; init; }

    /// <summary>Inbound, where the application listens; null outbound.</summary>
    public IPEndPoint? ApplicationAddress { get; init; }

    /// <summary><c>dst.hbone_addr</c>: authority of the CONNECT request. Null without HBONE.</summary>
    public string? HboneTarget { get; init; }

    /// <summary>
    /// The workload connected to; through a waypoint that is the waypoint. Null through a gateway, which alone knows.
    /// </summary>
    public Workload? Destination { get; init; }

    /// <summary>What a server says about itself; used only when <see cref="Destination"/> is unknown.</summary>
    public ClaimedLabels? DestinationFallback { get; init; }

    /// <summary>Proved by TLS. Null on plaintext; when null, <see cref="Destination"/> says whom we expect.</summary>
    public SpiffeId? DestinationIdentity { get; init; }

    /// <summary>The service that the source addressed.</summary>
    public Service? DestinationService { get; init; }

    public bool MutualTls { get; init; }

    /// <summary>Whether it goes through the gateway of another network, in a tunnel within a tunnel.</summary>
    public bool ByGateway { get; init; }
}

/// <summary>
/// A peer in its own words, from header <c>baggage</c>; empty strings are unknown. Claimed, not proved.
/// </summary>
internal sealed record ClaimedLabels
{
    public string ClusterId { get; init; } = "";

    public string Namespace { get; init; } = "";

    public string WorkloadName { get; init; } = "";

    public WorkloadType WorkloadType { get; init; }

    public string CanonicalName { get; init; } = "";

    public string CanonicalRevision { get; init; } = "";

    public string Region { get; init; } = "";

    public string Zone { get; init; } = "";
}
