using Ztunnel.Mesh;

namespace Ztunnel.Telemetry;

/// <summary>Labels of one end of a connection. Empty strings are unknown; nothing is allocated to make one.</summary>
internal readonly record struct EndLabels
{
    private EndLabels(Workload workload)
    {
        IsKnown = true;
        Workload = workload.WorkloadName;
        CanonicalService = App = workload.CanonicalName;
        CanonicalRevision = Version = workload.CanonicalRevision;
        Namespace = workload.Namespace;
        Cluster = workload.ClusterId;
        Region = workload.Locality.Region;
        Zone = workload.Locality.Zone;
    }

    private EndLabels(ClaimedLabels peer)
    {
        IsKnown = true;
        Workload = App = peer.WorkloadName;
        CanonicalService = peer.CanonicalName;
        CanonicalRevision = Version = peer.CanonicalRevision;
        Namespace = peer.Namespace;
        Cluster = peer.ClusterId;
        Region = peer.Region;
        Zone = peer.Zone;
    }

    private EndLabels(string all)
    {
        IsKnown = IsOverflow = true;
        Workload = CanonicalService = App = CanonicalRevision = Version = Namespace = Cluster = Region = Zone = all;
        Principal = new PrincipalLabel(all, null, null);
    }

    /// <summary>Stands for all ends that came when there were series enough.</summary>
    public static EndLabels Overflow { get; } = new(all: "overflow");

    /// <summary>Whether there is a workload, or what it says about itself.</summary>
    public bool IsKnown { get; }

    /// <summary>Whether it is <see cref="Overflow"/>.</summary>
    public bool IsOverflow { get; }

    /// <summary>The same as far as the mesh data alone say it.</summary>
    public EndLabels WithoutPrincipal => this with { Principal = default };

    public string? Workload { get; }

    public string? CanonicalService { get; }

    public string? CanonicalRevision { get; }

    public string? Namespace { get; }

    public PrincipalLabel Principal { get; private init; }

    public string? App { get; }

    public string? Version { get; }

    public string? Cluster { get; }

    public string? Region { get; }

    public string? Zone { get; }

    /// <summary>
    /// Of every label that a peer may choose at will: sets that differ in one of them only must not share a bucket.
    /// </summary>
    public override int GetHashCode() => HashCode.Combine(
        Workload, Namespace, CanonicalService, CanonicalRevision, Cluster, Region, Zone, Principal.ServiceAccount);

    /// <summary>A workload, without principal.</summary>
    public static EndLabels Of(Workload workload) => new(workload);

    /// <summary>A workload with the principal that it is configured to have.</summary>
    public static EndLabels OfWorkload(Workload workload) => new(workload)
    {
        Principal = new PrincipalLabel(workload.TrustDomain, workload.Namespace, workload.ServiceAccount),
    };

    /// <summary>
    /// The source; its principal only as proved by TLS, and its own words only when it is not in the mesh data.
    /// </summary>
    public static EndLabels OfSource(in ConnectionFacts facts)
    {
        var labels = facts switch
        {
            { Source: { } workload } => new EndLabels(workload),
            { SourceFallback: { } fallback } => new EndLabels(fallback),
            _ => default,
        };
        return facts is { MutualTls: true, SourceIdentity: { } id }
            ? labels with { Principal = new PrincipalLabel(id.TrustDomain, id.Namespace, id.ServiceAccount) }
            : labels;
    }

    /// <summary>
    /// The destination; its principal is the configured one, on plaintext too. One that only a gateway knows has its own
    /// words, and the principal that TLS proved.
    /// </summary>
    public static EndLabels OfDestination(in ConnectionFacts facts)
    {
        if (facts.Destination is { } workload)
        {
            return OfWorkload(workload);
        }

        var labels = facts.DestinationFallback is { } fallback ? new EndLabels(fallback) : default;
        return facts.DestinationIdentity is { } id
            ? labels with { Principal = new PrincipalLabel(id.TrustDomain, id.Namespace, id.ServiceAccount) }
            : labels;
    }
}

/// <summary>Parts of a SPIFFE ID; all null when there is none, the first alone when it is a word of its own.</summary>
internal readonly record struct PrincipalLabel(string? TrustDomain, string? Namespace, string? ServiceAccount);
