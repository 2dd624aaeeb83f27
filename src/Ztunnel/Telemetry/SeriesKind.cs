namespace Ztunnel.Telemetry;

/// <summary>Which limit a traffic series counts against.</summary>
internal enum SeriesKind
{
    /// <summary>Its labels are those of the mesh.</summary>
    Known,

    /// <summary>An end is described by its own words; <see cref="TrafficMetrics.MaxClaimedSeries"/>.</summary>
    Claimed,

    /// <summary>Holds connections of all far ends that came when there were series enough.</summary>
    Folded,

    /// <summary>The same of all near ends too. There are as many as reporters and ways of security.</summary>
    FoldedWholly,
}

/// <summary>Uids of the workloads that a traffic series was made for; null for an end that is not in the mesh data.</summary>
internal readonly record struct TrafficPods(string? Source, string? Destination);
