using System.Net;

namespace Ztunnel.Mesh;

/// <summary>An IP address on a named network (proto message <c>istio.workload.NetworkAddress</c>).</summary>
/// <param name="Network">Network id; empty is the default network.</param>
/// <param name="Address">IPv4 or IPv6, never an IPv4-mapped IPv6 address.</param>
internal readonly record struct NetworkAddress(string Network, IPAddress Address)
{
    /// <summary>The form of file and dump: <c>network/ip</c>.</summary>
    public override string ToString() => $"{Network}/{Address}";
}
