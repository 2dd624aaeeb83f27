using Hbone.Memory;
using Hbone.Proxying.Splicing;
using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Dns;
using Ztunnel.Identity;
using Ztunnel.Mesh;
using Ztunnel.Proxy.Failover;
using Ztunnel.Telemetry;
using Ztunnel.Xds;

namespace Ztunnel.Proxy;

/// <summary>What all pod proxies of this process share.</summary>
internal sealed record ProxyServices(
    ProxyOptions Options,
    MeshState Mesh,
    OnDemandMesh OnDemand,
    CertificateManager Certificates,
    TelemetryHub Telemetry,
    MemoryBudget Memory,
    PodMetrics Pods,
    ILoggerFactory Loggers,
    TimeProvider Time)
{
    /// <summary>Policies that are named and not there.</summary>
    public required MissingPolicies MissingPolicies { get; init; }

    /// <summary>Who judges inbound connections.</summary>
    public required InboundAuthorization Authorization { get; init; }

    /// <summary>The inbound connections that policy may still end.</summary>
    public required LiveConnections Live { get; init; }

    /// <summary>Workloads that have a name and no address.</summary>
    public required NamedDestinations Named { get; init; }

    /// <summary>Answers names in pods; null when DNS is off.</summary>
    public DnsServices? Dns { get; init; }

    /// <summary>Pipes of plain TCP connections; null when they are copied.</summary>
    public PipePool? Pipes { get; init; }

    /// <summary>How long outbound connections wait for their decision.</summary>
    public DecisionTimes Decisions { get; init; } = new();

    /// <summary>Counts of attempts at other endpoints.</summary>
    public FailoverMetrics Failover { get; init; } = new();

    /// <summary>Revoked certificates of peers; null when <c>CRL_PATH</c> is not set.</summary>
    public CrlReloader? Crl { get; init; }
}
