using Ztunnel.Mesh;
using Proto = Ztunnel.Protos.WorkloadApi;

namespace ControlPlane;

/// <summary>Writes references to waypoints and gateways (proto message <c>GatewayAddress</c>).</summary>
internal static class GatewayMessage
{
    /// <summary>Null for none.</summary>
    public static Proto.GatewayAddress? Of(GatewayAddress? gateway) => gateway switch
    {
        null => null,
        { Address: { } address } => new Proto.GatewayAddress
        {
            Address = new Proto.NetworkAddress
            {
                Network = address.Network,
                Address = WorkloadMessage.Bytes(address.Address),
            },
            HboneMtlsPort = gateway.HboneMtlsPort,
        },
        { Hostname: { } name } => new Proto.GatewayAddress
        {
            Hostname = new Proto.NamespacedHostname { Namespace = name.Namespace, Hostname = name.Hostname },
            HboneMtlsPort = gateway.HboneMtlsPort,
        },
        _ => throw new ArgumentException("a gateway without a destination", nameof(gateway)),
    };
}
