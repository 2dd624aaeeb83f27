using System.Collections.Immutable;
using System.Net;
using Hbone.Tls;

namespace Ztunnel.Mesh;

/// <summary>A pod or VM as the control plane describes it (proto message <c>istio.workload.Workload</c>). Immutable.</summary>
internal sealed record Workload
{
    /// <summary>Primary key.</summary>
    public required string Uid { get; init; }

    /// <summary>Pod name, which the CNI agent knows it by.</summary>
    public string Name { get; init; } = "";

    public string Namespace { get; init; } = "";

    public string ServiceAccount { get; init; } = "";

    public string TrustDomain { get; init; } = "";

    /// <summary>Network id; empty is the default network.</summary>
    public string Network { get; init; } = "";

    public ImmutableArray<IPAddress> Addresses { get; init; } = [];

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

    public string Node { get; init; } = "";

    public string ClusterId { get; init; } = "";

    public Locality Locality { get; init; } = Locality.Unknown;

    /// <summary>Load-balancing weight; 0 is never chosen.</summary>
    public uint Capacity { get; init; } = 1;

    public bool NativeTunnel { get; init; }

    public GatewayAddress? Waypoint { get; init; }

    /// <summary>East-west gateway of the workload's network.</summary>
    public GatewayAddress? NetworkGateway { get; init; }

    public ApplicationTunnel? ApplicationTunnel { get; init; }

    /// <summary>Keys <c>namespace/name</c> of the policies that select this workload.</summary>
    public ImmutableArray<string> AuthorizationPolicies { get; init; } = [];

    /// <summary>Services that this workload is an endpoint of, with its own service-to-target port map for each.</summary>
    public ImmutableDictionary<NamespacedHostname, ImmutableSortedDictionary<ushort, ushort>> Services { get; init; } = [];

    /// <summary>The local pod that this is, and what error texts call it.</summary>
    public WorkloadInfo Info => new(Name, Namespace, ServiceAccount);

    /// <summary>The identity that the workload's certificate carries.</summary>
    public SpiffeId Identity => new(TrustDomain, Namespace, ServiceAccount);
}

/// <summary>How traffic reaches a workload (proto enum <c>TunnelProtocol</c>).</summary>
internal enum TunnelProtocol
{
    /// <summary>NONE: plain TCP.</summary>
    None,

    /// <summary>HBONE on port 15008.</summary>
    Hbone,
}

/// <summary>Whose addresses a pod has (proto enum <c>NetworkMode</c>).</summary>
internal enum NetworkMode
{
    Standard,

    /// <summary>The node's addresses; such workloads are never found by address.</summary>
    HostNetwork,
}

/// <summary>Readiness as the control plane sees it (proto enum <c>WorkloadStatus</c>).</summary>
internal enum WorkloadStatus
{
    Healthy,
    Unhealthy,
}

/// <summary>What made the pod, for telemetry only (proto enum <c>WorkloadType</c>).</summary>
internal enum WorkloadType
{
    Deployment,
    CronJob,
    Pod,
    Job,
}

/// <summary>Spelling of <see cref="WorkloadType"/> in the local file, the dump and baggage.</summary>
internal static class WorkloadTypeExtensions
{
    public static string ToText(this WorkloadType type) => type switch
    {
        WorkloadType.Deployment => "deployment",
        WorkloadType.CronJob => "cronjob",
        WorkloadType.Pod => "pod",
        WorkloadType.Job => "job",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "unknown workload type"),
    };
}

/// <summary>Place of a workload for locality load balancing (proto message <c>Locality</c>); empty strings are unknown.</summary>
internal sealed record Locality(string Region, string Zone, string Subzone)
{
    public static Locality Unknown { get; } = new("", "", "");
}

/// <summary>How a waypoint wants its traffic inside the pod (proto message <c>ApplicationTunnel</c>).</summary>
/// <param name="Protocol">NONE or PROXY (a PROXY protocol v2 header first).</param>
/// <param name="Port">Overrides the target port when set.</param>
internal sealed record ApplicationTunnel(ApplicationTunnelProtocol Protocol, ushort? Port);

/// <summary>Proto enum <c>ApplicationTunnel.Protocol</c>.</summary>
internal enum ApplicationTunnelProtocol
{
    None,
    Proxy,
}
