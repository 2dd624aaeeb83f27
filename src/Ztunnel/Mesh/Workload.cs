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

    public ImmutableArray<IPAddress> Addresses { get; init; } = [];

    public string Node { get; init; } = "";

    public Locality Locality { get; init; } = Locality.Unknown;

    /// <summary>
    /// All the rest, shared with the other pods of its deployment: of a hundred thousand workloads few are unlike another.
    /// </summary>
    public WorkloadTemplate Template { get; init; } = WorkloadTemplate.Empty;

    /// <inheritdoc cref="WorkloadTemplate.Namespace"/>
    public string Namespace
    {
        get => Template.Namespace;
        init => Template = Template with { Namespace = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.ServiceAccount"/>
    public string ServiceAccount
    {
        get => Template.ServiceAccount;
        init => Template = Template with { ServiceAccount = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.TrustDomain"/>
    public string TrustDomain
    {
        get => Template.TrustDomain;
        init => Template = Template with { TrustDomain = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.Network"/>
    public string Network
    {
        get => Template.Network;
        init => Template = Template with { Network = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.Hostname"/>
    public string Hostname
    {
        get => Template.Hostname;
        init => Template = Template with { Hostname = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.Protocol"/>
    public TunnelProtocol Protocol
    {
        get => Template.Protocol;
        init => Template = Template with { Protocol = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.NetworkMode"/>
    public NetworkMode NetworkMode
    {
        get => Template.NetworkMode;
        init => Template = Template with { NetworkMode = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.Status"/>
    public WorkloadStatus Status
    {
        get => Template.Status;
        init => Template = Template with { Status = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.WorkloadName"/>
    public string WorkloadName
    {
        get => Template.WorkloadName;
        init => Template = Template with { WorkloadName = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.WorkloadType"/>
    public WorkloadType? WorkloadType
    {
        get => Template.WorkloadType;
        init => Template = Template with { WorkloadType = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.CanonicalName"/>
    public string CanonicalName
    {
        get => Template.CanonicalName;
        init => Template = Template with { CanonicalName = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.CanonicalRevision"/>
    public string CanonicalRevision
    {
        get => Template.CanonicalRevision;
        init => Template = Template with { CanonicalRevision = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.ClusterId"/>
    public string ClusterId
    {
        get => Template.ClusterId;
        init => Template = Template with { ClusterId = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.Capacity"/>
    public uint Capacity
    {
        get => Template.Capacity;
        init => Template = Template with { Capacity = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.NativeTunnel"/>
    public bool NativeTunnel
    {
        get => Template.NativeTunnel;
        init => Template = Template with { NativeTunnel = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.Waypoint"/>
    public GatewayAddress? Waypoint
    {
        get => Template.Waypoint;
        init => Template = Template with { Waypoint = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.NetworkGateway"/>
    public GatewayAddress? NetworkGateway
    {
        get => Template.NetworkGateway;
        init => Template = Template with { NetworkGateway = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.ApplicationTunnel"/>
    public ApplicationTunnel? ApplicationTunnel
    {
        get => Template.ApplicationTunnel;
        init => Template = Template with { ApplicationTunnel = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.AuthorizationPolicies"/>
    public ImmutableArray<string> AuthorizationPolicies
    {
        get => Template.AuthorizationPolicies;
        init => Template = Template with { AuthorizationPolicies = value };
    }

    /// <inheritdoc cref="WorkloadTemplate.Services"/>
    public ImmutableDictionary<NamespacedHostname, ImmutableSortedDictionary<ushort, ushort>> Services
    {
        get => Template.Services;
        init => Template = Template with { Services = value };
    }

    /// <summary>The local pod that this is, and what error texts call it.</summary>
    public WorkloadInfo Info => new(Name, Namespace, ServiceAccount);

    /// <summary>The identity that the workload's certificate carries.</summary>
    public SpiffeId Identity => Template.Identity;
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
