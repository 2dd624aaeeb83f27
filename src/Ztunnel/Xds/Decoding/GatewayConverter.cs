using Ztunnel.Mesh;
using Proto = Ztunnel.Protos.WorkloadApi;

namespace Ztunnel.Xds.Decoding;

/// <summary>Converts references to waypoints and gateways (proto message <c>GatewayAddress</c>).</summary>
internal static class GatewayConverter
{
    /// <summary>Null for none.</summary>
    /// <exception cref="ResourceRejectedException">It is there and points nowhere.</exception>
    public static GatewayAddress? Convert(Proto.GatewayAddress? gateway, TextPool texts) =>
        gateway is null ? null : ConvertPresent(gateway, texts);

    public static GatewayAddress ConvertPresent(Proto.GatewayAddress? gateway, TextPool texts) =>
        gateway?.DestinationCase switch
        {
            Proto.GatewayAddress.DestinationOneofCase.Hostname => new GatewayAddress(
                null,
                new NamespacedHostname(
                    texts.Shared(gateway.Hostname.Namespace), texts.Shared(gateway.Hostname.Hostname)),
                (ushort)gateway.HboneMtlsPort),
            Proto.GatewayAddress.DestinationOneofCase.Address => new GatewayAddress(
                new NetworkAddress(
                    texts.Shared(gateway.Address.Network), AddressBytes.ToAddress(gateway.Address.Address)),
                null,
                (ushort)gateway.HboneMtlsPort),
            _ => throw new ResourceRejectedException("gateway address without a destination"),
        };
}
