using System.Collections.Immutable;
using Ztunnel.Mesh;
using Proto = Ztunnel.Protos.WorkloadApi;

namespace Ztunnel.Xds.Decoding;

/// <summary>Converts workloads (proto message <c>istio.workload.Workload</c>), filling in what empty fields mean.</summary>
internal readonly struct WorkloadConverter(TextPool texts)
{
    private const string DefaultTrustDomain = "cluster.local";
    private const string DefaultServiceAccount = "default";
    private const string DefaultCluster = "Kubernetes";

    /// <param name="workload">As received.</param>
    /// <param name="name">Of the resource; shared when it is the uid, which it is.</param>
    /// <exception cref="ResourceRejectedException">Something in it is not understood.</exception>
    public Workload Convert(Proto.Workload workload, string name) => new()
    {
        Uid = workload.Uid == name ? name : workload.Uid,
        Name = workload.Name,
        Addresses = [.. workload.Addresses.Select(AddressBytes.ToAddress)],
        Node = texts.Shared(workload.Node),
        Locality = workload.Locality is { } locality ? ToLocality(locality, texts) : Locality.Unknown,
        Template = ToTemplate(workload),
    };

    public static Locality ToLocality(Proto.Locality locality, TextPool texts) =>
        new(texts.Shared(locality.Region), texts.Shared(locality.Zone), texts.Shared(locality.Subzone));

    /// <summary>What of it can be shared with others.</summary>
    /// <exception cref="ResourceRejectedException">Something in it is not understood.</exception>
    public WorkloadTemplate ToTemplate(Proto.Workload workload) => new()
    {
        Namespace = texts.Shared(workload.Namespace),
        ServiceAccount = OrDefault(workload.ServiceAccount, DefaultServiceAccount),
        TrustDomain = OrDefault(workload.TrustDomain, DefaultTrustDomain),
        Network = texts.Shared(workload.Network),
        Hostname = workload.Hostname,
        Protocol = Protocol(workload.TunnelProtocol),
        NetworkMode = NetworkMode(workload.NetworkMode),
        Status = Status(workload.Status),
        WorkloadName = texts.Shared(workload.WorkloadName),
        WorkloadType = WorkloadType(workload.WorkloadType),
        CanonicalName = texts.Shared(workload.CanonicalName),
        CanonicalRevision = texts.Shared(workload.CanonicalRevision),
        ClusterId = OrDefault(workload.ClusterId, DefaultCluster),
        Capacity = workload.Capacity ?? 1,
        NativeTunnel = workload.NativeTunnel,
        Waypoint = GatewayConverter.Convert(workload.Waypoint, texts),
        NetworkGateway = GatewayConverter.Convert(workload.NetworkGateway, texts),
        ApplicationTunnel = Tunnel(workload.ApplicationTunnel),
        AuthorizationPolicies = [.. workload.AuthorizationPolicies.Select(texts.Shared)],
        Services = Services(workload),
    };

    private static TunnelProtocol Protocol(Proto.TunnelProtocol protocol) => protocol switch
    {
        Proto.TunnelProtocol.None => TunnelProtocol.None,
        Proto.TunnelProtocol.Hbone => TunnelProtocol.Hbone,
        _ => throw new ResourceRejectedException($"unsupported tunnel protocol {protocol:D}"),
    };

    private static NetworkMode NetworkMode(Proto.NetworkMode mode) => mode switch
    {
        Proto.NetworkMode.Standard => Mesh.NetworkMode.Standard,
        Proto.NetworkMode.HostNetwork => Mesh.NetworkMode.HostNetwork,
        _ => throw new ResourceRejectedException($"unknown network mode {mode:D}"),
    };

    private static WorkloadStatus Status(Proto.WorkloadStatus status) => status switch
    {
        Proto.WorkloadStatus.Healthy => WorkloadStatus.Healthy,
        Proto.WorkloadStatus.Unhealthy => WorkloadStatus.Unhealthy,
        _ => throw new ResourceRejectedException($"unknown workload status {status:D}"),
    };

    private static WorkloadType WorkloadType(Proto.WorkloadType type) => type switch
    {
        Proto.WorkloadType.Cronjob => Mesh.WorkloadType.CronJob,
        Proto.WorkloadType.Pod => Mesh.WorkloadType.Pod,
        Proto.WorkloadType.Job => Mesh.WorkloadType.Job,
        _ => Mesh.WorkloadType.Deployment, // telemetry only: not worth losing the workload
    };

    private static ApplicationTunnel? Tunnel(Proto.ApplicationTunnel? tunnel)
    {
        if (tunnel is null)
        {
            return null;
        }

        var protocol = tunnel.Protocol switch
        {
            Proto.ApplicationTunnel.Types.Protocol.None => ApplicationTunnelProtocol.None,
            Proto.ApplicationTunnel.Types.Protocol.Proxy => ApplicationTunnelProtocol.Proxy,
            _ => throw new ResourceRejectedException($"unknown application tunnel protocol {tunnel.Protocol:D}"),
        };
        var port = (ushort)tunnel.Port;
        return new ApplicationTunnel(protocol, port == 0 ? null : port);
    }

    private ImmutableDictionary<NamespacedHostname, ImmutableSortedDictionary<ushort, ushort>> Services(
        Proto.Workload workload)
    {
        var services = ImmutableDictionary.CreateBuilder<NamespacedHostname, ImmutableSortedDictionary<ushort, ushort>>();
        foreach (var (key, ports) in workload.Services)
        {
            var slash = key.IndexOf('/', StringComparison.Ordinal);
            if (slash < 0)
            {
                throw new ResourceRejectedException($"service '{key}' is not namespace/hostname");
            }

            services[new NamespacedHostname(texts.Shared(key[..slash]), texts.Shared(key[(slash + 1)..]))] =
                PortConverter.Convert(ports.Ports);
        }

        return services.ToImmutable();
    }

    private string OrDefault(string text, string meaning) => text.Length == 0 ? meaning : texts.Shared(text);
}
