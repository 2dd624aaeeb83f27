namespace Ztunnel.Telemetry;

/// <summary>
/// The label set that all traffic counters share, without <c>response_flags</c>. Two connections with equal labels
/// count on the same series.
/// </summary>
internal readonly record struct TrafficLabels
{
    private TrafficLabels(in ConnectionFacts facts)
    {
        Reporter = facts.Reporter;
        Source = EndLabels.OfSource(facts);
        Destination = EndLabels.OfDestination(facts);
        Service = facts.DestinationService is { } service
            ? new ServiceLabels(service.Hostname, service.Namespace, service.Name)
            : default;
        MutualTls = facts.MutualTls;
    }

    public Reporter Reporter { get; }

    public EndLabels Source { get; private init; }

    public EndLabels Destination { get; private init; }

    public ServiceLabels Service { get; private init; }

    public bool MutualTls { get; }

    /// <summary>The labels of a connection.</summary>
    public static TrafficLabels Of(in ConnectionFacts facts) => new(facts);

    /// <summary>For all far ends and services of this near end: the source reports of destinations and the other way round.</summary>
    public TrafficLabels WithoutFarEnd() => Reporter == Reporter.Source
        ? this with { Destination = EndLabels.Overflow, Service = ServiceLabels.Overflow }
        : this with { Source = EndLabels.Overflow, Service = ServiceLabels.Overflow };

    /// <summary>For all near ends too.</summary>
    public TrafficLabels WithoutNearEnd() => Reporter == Reporter.Source
        ? this with { Source = EndLabels.Overflow }
        : this with { Destination = EndLabels.Overflow };

    /// <summary>Writes all labels in Istio's order.</summary>
    public void WriteTo(MetricsText text, ConnectionFailure flags)
    {
        text.Label("reporter"u8, Reporter.ToLabel());
        WriteSource(text, Source);
        text.Label("destination_service"u8, Service.Hostname);
        text.Label("destination_service_namespace"u8, Service.Namespace);
        text.Label("destination_service_name"u8, Service.Name);
        text.Label("destination_workload"u8, Destination.Workload);
        text.Label("destination_canonical_service"u8, Destination.CanonicalService);
        text.Label("destination_canonical_revision"u8, Destination.CanonicalRevision);
        text.Label("destination_workload_namespace"u8, Destination.Namespace);
        WritePrincipal(text, "destination_principal"u8, Destination.Principal);
        text.Label("destination_app"u8, Destination.App);
        text.Label("destination_version"u8, Destination.Version);
        text.Label("destination_cluster"u8, Destination.Cluster);
        text.Label("request_protocol"u8, "tcp");
        text.Label("response_flags"u8, flags.ToFlag());
        text.Label("connection_security_policy"u8, MutualTls ? "mutual_tls" : null);
        if (Source.IsKnown || Destination.IsKnown)
        {
            text.Label("source_region"u8, Source.Region);
            text.Label("source_zone"u8, Source.Zone);
            text.Label("destination_region"u8, Destination.Region);
            text.Label("destination_zone"u8, Destination.Zone);
        }
    }

    /// <summary>Writes the eight labels that say who the source is.</summary>
    public static void WriteSource(MetricsText text, in EndLabels source)
    {
        text.Label("source_workload"u8, source.Workload);
        text.Label("source_canonical_service"u8, source.CanonicalService);
        text.Label("source_canonical_revision"u8, source.CanonicalRevision);
        text.Label("source_workload_namespace"u8, source.Namespace);
        WritePrincipal(text, "source_principal"u8, source.Principal);
        text.Label("source_app"u8, source.App);
        text.Label("source_version"u8, source.Version);
        text.Label("source_cluster"u8, source.Cluster);
    }

    /// <summary>Of the labels that differ most, and all that a peer may claim for itself.</summary>
    public override int GetHashCode() => HashCode.Combine(Reporter, Source, Destination, Service.Hostname);

    private static void WritePrincipal(MetricsText text, ReadOnlySpan<byte> name, PrincipalLabel principal) =>
        text.Label(name, principal.Namespace is null
            ? principal.TrustDomain
            : $"spiffe://{principal.TrustDomain}/ns/{principal.Namespace}/sa/{principal.ServiceAccount}");
}

/// <summary>Labels of the service that was addressed; null is unknown.</summary>
internal readonly record struct ServiceLabels(string? Hostname, string? Namespace, string? Name)
{
    private const string All = "overflow";

    /// <summary>Stands for all services that came when there were series enough.</summary>
    public static ServiceLabels Overflow { get; } = new(All, All, All);

    /// <summary>Whether it is <see cref="Overflow"/>.</summary>
    public bool IsOverflow => this == Overflow;
}
