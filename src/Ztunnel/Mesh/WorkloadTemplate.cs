using System.Collections.Immutable;
using Hbone.Tls;

namespace Ztunnel.Mesh;

/// <summary>What the pods of one deployment have in common: a <see cref="Workload"/> without name and place. Immutable.</summary>
internal sealed record WorkloadTemplate
{
    public static WorkloadTemplate Empty { get; } = new();

    public string Namespace { get; init; } = "";

    public string ServiceAccount { get; init; } = "";

    public string TrustDomain { get; init; } = "";

    /// <summary>Network id; empty is the default network.</summary>
    public string Network { get; init; } = "";

    /// <summary>DNS name of an endpoint that has no addresses; empty when it has none.</summary>
    public string Hostname { get; init; } = "";

    public TunnelProtocol Protocol { get; init; }

    public NetworkMode NetworkMode { get; init; }

    public WorkloadStatus Status { get; init; }

    public string WorkloadName { get; init; } = "";

    /// <summary>Null where nobody said: only workloads of the local file can lack it.</summary>
    public WorkloadType? WorkloadType { get; init; }

    public string CanonicalName { get; init; } = "";

    public string CanonicalRevision { get; init; } = "";

    public string ClusterId { get; init; } = "";

    /// <summary>Load-balancing weight; 0 is never chosen.</summary>
    public uint Capacity { get; init; } = 1;

    public bool NativeTunnel { get; init; }

    public GatewayAddress? Waypoint { get; init; }

    /// <summary>East-west gateway of the workload's network.</summary>
    public GatewayAddress? NetworkGateway { get; init; }

    public ApplicationTunnel? ApplicationTunnel { get; init; }

    /// <summary>Keys <c>namespace/name</c> of the policies that select this workload.</summary>
    public ImmutableArray<string> AuthorizationPolicies { get; init; } = [];

    /// <summary>Services that the workload is an endpoint of, with its own service-to-target port map for each.</summary>
    public ImmutableDictionary<NamespacedHostname, ImmutableSortedDictionary<ushort, ushort>> Services { get; init; } = [];

    /// <summary>The identity that the workload's certificate carries.</summary>
    public SpiffeId Identity => new(TrustDomain, Namespace, ServiceAccount);
}
