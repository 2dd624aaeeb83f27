using System.Collections.Immutable;
using System.Net;
using Google.Protobuf;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Local;
using PortMap = System.Collections.Immutable.ImmutableSortedDictionary<ushort, ushort>;
using Proto = Ztunnel.Protos.WorkloadApi;

namespace ControlPlane;

/// <summary>Writes workloads (proto message <c>istio.workload.Workload</c>).</summary>
internal static class WorkloadMessage
{
    /// <param name="local">The workload of the file, with the services that it names.</param>
    /// <param name="services">All services: the file may name endpoints there too, the protocol cannot.</param>
    public static Proto.Workload Of(LocalWorkload local, IEnumerable<Service> services)
    {
        var workload = local.Workload;
        var message = new Proto.Workload
        {
            Uid = workload.Uid,
            Name = workload.Name,
            Namespace = workload.Namespace,
            ServiceAccount = workload.ServiceAccount,
            TrustDomain = workload.TrustDomain,
            Network = workload.Network,
            Hostname = workload.Hostname,
            TunnelProtocol = workload.Protocol == TunnelProtocol.Hbone
                ? Proto.TunnelProtocol.Hbone
                : Proto.TunnelProtocol.None,
            NetworkMode = workload.NetworkMode == NetworkMode.HostNetwork
                ? Proto.NetworkMode.HostNetwork
                : Proto.NetworkMode.Standard,
            Status = workload.Status == WorkloadStatus.Unhealthy
                ? Proto.WorkloadStatus.Unhealthy
                : Proto.WorkloadStatus.Healthy,
            WorkloadName = workload.WorkloadName,
            WorkloadType = Type(workload.WorkloadType),
            CanonicalName = workload.CanonicalName,
            CanonicalRevision = workload.CanonicalRevision,
            Node = workload.Node,
            ClusterId = workload.ClusterId,
            Locality = new Proto.Locality
            {
                Region = workload.Locality.Region,
                Zone = workload.Locality.Zone,
                Subzone = workload.Locality.Subzone,
            },
            Capacity = workload.Capacity,
            NativeTunnel = workload.NativeTunnel,
            Waypoint = GatewayMessage.Of(workload.Waypoint),
            NetworkGateway = GatewayMessage.Of(workload.NetworkGateway),
            ApplicationTunnel = Tunnel(workload.ApplicationTunnel),
        };
        message.Addresses.Add(workload.Addresses.Select(Bytes));
        message.AuthorizationPolicies.Add(workload.AuthorizationPolicies);
        foreach (var (name, ports) in ServicesOf(local, services))
        {
            message.Services[name] = new Proto.PortList { Ports = { PortMessages(ports) } };
        }

        return message;
    }

    /// <summary>Four or sixteen bytes in network order.</summary>
    internal static ByteString Bytes(IPAddress address) => ByteString.CopyFrom(address.GetAddressBytes());

    /// <summary>Service port and target port, ascending.</summary>
    internal static IEnumerable<Proto.Port> PortMessages(PortMap ports) =>
        ports.Select(port => new Proto.Port { ServicePort = port.Key, TargetPort = port.Value });

    private static ImmutableSortedDictionary<string, PortMap> ServicesOf(
        LocalWorkload local, IEnumerable<Service> services)
    {
        var names = ImmutableSortedDictionary.CreateBuilder<string, PortMap>(StringComparer.Ordinal);
        foreach (var service in services)
        {
            if (service.Endpoints.TryGetValue(local.Workload.Uid, out var endpoint))
            {
                names[service.NamespacedHostname.ToString()] = endpoint.Ports;
            }
        }

        foreach (var (name, ports) in local.EndpointOf)
        {
            names[name.ToString()] = ports;
        }

        return names.ToImmutable();
    }

    private static Proto.WorkloadType Type(WorkloadType? type) => type switch
    {
        WorkloadType.CronJob => Proto.WorkloadType.Cronjob,
        WorkloadType.Pod => Proto.WorkloadType.Pod,
        WorkloadType.Job => Proto.WorkloadType.Job,
        _ => Proto.WorkloadType.Deployment,
    };

    private static Proto.ApplicationTunnel? Tunnel(ApplicationTunnel? tunnel) => tunnel is null
        ? null
        : new Proto.ApplicationTunnel
        {
            Protocol = tunnel.Protocol == ApplicationTunnelProtocol.Proxy
                ? Proto.ApplicationTunnel.Types.Protocol.Proxy
                : Proto.ApplicationTunnel.Types.Protocol.None,
            Port = tunnel.Port ?? 0,
        };
}
