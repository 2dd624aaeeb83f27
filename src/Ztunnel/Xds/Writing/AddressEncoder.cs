using System.Collections.Immutable;
using System.Net;
using Google.Protobuf;
using Ztunnel.Mesh;
using Proto = Ztunnel.Protos.WorkloadApi;

namespace Ztunnel.Xds.Writing;

/// <summary>
/// Workloads and services as the control plane would send them (proto message <c>istio.workload.Address</c>): decoding
/// gives the same again. What is not in the mesh, such as extensions, is not in the message either.
/// </summary>
internal static class AddressEncoder
{
    public static Proto.Address Encode(Workload workload)
    {
        var message = new Proto.Workload
        {
            Uid = workload.Uid,
            Name = workload.Name,
            Namespace = workload.Namespace,
            ServiceAccount = workload.ServiceAccount,
            TrustDomain = workload.TrustDomain,
            Network = workload.Network,
            Hostname = workload.Hostname,
            TunnelProtocol = workload.Protocol switch
            {
                TunnelProtocol.None => Proto.TunnelProtocol.None,
                TunnelProtocol.Hbone => Proto.TunnelProtocol.Hbone,
                _ => throw Unknown(workload.Protocol),
            },
            NetworkMode = workload.NetworkMode switch
            {
                NetworkMode.Standard => Proto.NetworkMode.Standard,
                NetworkMode.HostNetwork => Proto.NetworkMode.HostNetwork,
                _ => throw Unknown(workload.NetworkMode),
            },
            Status = workload.Status switch
            {
                WorkloadStatus.Healthy => Proto.WorkloadStatus.Healthy,
                WorkloadStatus.Unhealthy => Proto.WorkloadStatus.Unhealthy,
                _ => throw Unknown(workload.Status),
            },
            WorkloadName = workload.WorkloadName,
            WorkloadType = workload.WorkloadType switch
            {
                WorkloadType.CronJob => Proto.WorkloadType.Cronjob,
                WorkloadType.Pod => Proto.WorkloadType.Pod,
                WorkloadType.Job => Proto.WorkloadType.Job,
                WorkloadType.Deployment or null => Proto.WorkloadType.Deployment,
                _ => throw Unknown(workload.WorkloadType),
            },
            CanonicalName = workload.CanonicalName,
            CanonicalRevision = workload.CanonicalRevision,
            Node = workload.Node,
            ClusterId = workload.ClusterId,
            Capacity = workload.Capacity,
            NativeTunnel = workload.NativeTunnel,
            Waypoint = Gateway(workload.Waypoint),
            NetworkGateway = Gateway(workload.NetworkGateway),
            ApplicationTunnel = Tunnel(workload.ApplicationTunnel),
        };
        if (workload.Locality is { } locality && locality != Locality.Unknown)
        {
            message.Locality = new Proto.Locality
            {
                Region = locality.Region,
                Zone = locality.Zone,
                Subzone = locality.Subzone,
            };
        }

        message.Addresses.Add(workload.Addresses.Select(Bytes));
        message.AuthorizationPolicies.Add(workload.AuthorizationPolicies);
        foreach (var (service, ports) in workload.Services)
        {
            var list = new Proto.PortList();
            list.Ports.Add(Ports(ports));
            message.Services[service.ToString()] = list;
        }

        return new Proto.Address { Workload = message };
    }

    /// <summary>Endpoints are not in it: they come from the workloads that name the service.</summary>
    public static Proto.Address Encode(Service service)
    {
        var message = new Proto.Service
        {
            Name = service.Name,
            Namespace = service.Namespace,
            Hostname = service.Hostname,
            Waypoint = Gateway(service.Waypoint),
            LoadBalancing = LoadBalancingEncoder.Encode(service.LoadBalancer),
            IpFamilies = service.IpFamilies switch
            {
                null => Proto.IPFamilies.Automatic,
                IpFamilies.IPv4 => Proto.IPFamilies.Ipv4Only,
                IpFamilies.IPv6 => Proto.IPFamilies.Ipv6Only,
                IpFamilies.Dual => Proto.IPFamilies.Dual,
                _ => throw Unknown(service.IpFamilies),
            },
            Canonical = service.Canonical,
            Visibility = service.Visibility switch
            {
                Visibility.Public => Proto.Service.Types.Visibility.Public,
                Visibility.Namespace => Proto.Service.Types.Visibility.Namespace,
                _ => throw Unknown(service.Visibility),
            },
        };
        message.Addresses.Add(service.Vips.Select(Network));
        message.Addresses.Add(service.CidrVips.Select(range => new Proto.NetworkAddress
        {
            Network = range.Network,
            Address = Bytes(range.Cidr.BaseAddress),
            Length = (uint)range.Cidr.PrefixLength,
        }));
        message.Ports.Add(Ports(service.Ports));
        message.SubjectAltNames.Add(service.SubjectAltNames);
        message.WeightedWaypoints.Add(service.WeightedWaypoints.Select(waypoint => new Proto.WeightedWaypoint
        {
            Destination = Gateway(waypoint.Destination),
            Weight = waypoint.Weight,
        }));
        return new Proto.Address { Service = message };
    }

    /// <summary>4 or 16 bytes, network order.</summary>
    public static ByteString Bytes(IPAddress address) => ByteString.CopyFrom(address.GetAddressBytes());

    /// <summary>For a member that this does not know: without it the state would mean something else.</summary>
    public static InvalidOperationException Unknown<T>(T value) => new($"{typeof(T).Name} {value} cannot be encoded");

    private static IEnumerable<Proto.Port> Ports(ImmutableSortedDictionary<ushort, ushort> ports) =>
        ports.Select(port => new Proto.Port { ServicePort = port.Key, TargetPort = port.Value });

    private static Proto.NetworkAddress Network(NetworkAddress address) =>
        new() { Network = address.Network, Address = Bytes(address.Address) };

    private static Proto.GatewayAddress? Gateway(GatewayAddress? gateway) => gateway switch
    {
        null => null,
        { Hostname: { } hostname } => new Proto.GatewayAddress
        {
            Hostname = new Proto.NamespacedHostname { Namespace = hostname.Namespace, Hostname = hostname.Hostname },
            HboneMtlsPort = gateway.HboneMtlsPort,
        },
        { Address: { } address } => new Proto.GatewayAddress
        {
            Address = Network(address),
            HboneMtlsPort = gateway.HboneMtlsPort,
        },
        _ => throw Unknown(gateway),
    };

    private static Proto.ApplicationTunnel? Tunnel(ApplicationTunnel? tunnel) => tunnel is null
        ? null
        : new Proto.ApplicationTunnel
        {
            Protocol = tunnel.Protocol switch
            {
                ApplicationTunnelProtocol.None => Proto.ApplicationTunnel.Types.Protocol.None,
                ApplicationTunnelProtocol.Proxy => Proto.ApplicationTunnel.Types.Protocol.Proxy,
                _ => throw Unknown(tunnel.Protocol),
            },
            Port = tunnel.Port ?? 0,
        };
}
