namespace Ztunnel.Mesh;

/// <summary>
/// Where a waypoint or a network gateway is found, by address or by hostname: exactly one of the two is set
/// (proto message <c>istio.workload.GatewayAddress</c>).
/// </summary>
/// <param name="Address">Set for an address reference.</param>
/// <param name="Hostname">Set for a hostname reference.</param>
/// <param name="HboneMtlsPort">Port that speaks HBONE there.</param>
internal sealed record GatewayAddress(NetworkAddress? Address, NamespacedHostname? Hostname, ushort HboneMtlsPort)
{
    /// <summary><c>network/ip</c> or <c>namespace/hostname</c>, as file and dump write it.</summary>
    public string Destination => Address?.ToString() ?? Hostname?.ToString() ?? "";
}

/// <summary>One of several waypoints of a service (proto message <c>istio.workload.WeightedWaypoint</c>).</summary>
internal sealed record WeightedWaypoint(GatewayAddress Destination, uint Weight);
