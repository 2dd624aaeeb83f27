using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Mesh;

namespace Ztunnel.Dns;

/// <summary>What the DNS proxies of all pods share.</summary>
internal sealed record DnsServices(
    ProxyOptions Options, MeshState Mesh, DnsMetrics Metrics, ILoggerFactory Loggers, TimeProvider Time)
{
    /// <summary>What one pod may cost.</summary>
    public DnsLimits Limits { get; init; } = new();

    /// <summary>Where name servers are read from, anew for each pod.</summary>
    public Func<ResolverFile> ReadResolverFile { get; init; } = () => ResolverFile.Read(ResolverFile.DefaultPath);
}
