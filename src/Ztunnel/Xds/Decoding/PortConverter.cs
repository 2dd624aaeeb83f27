using System.Collections.Immutable;
using Proto = Ztunnel.Protos.WorkloadApi;

namespace Ztunnel.Xds.Decoding;

/// <summary>Converts port lists (proto message <c>Port</c>): service port to target port, the last of equals wins.</summary>
internal static class PortConverter
{
    // Numbers beyond 16 bits are cut to them, as the reference does: a control plane never sends any.
    public static ImmutableSortedDictionary<ushort, ushort> Convert(IEnumerable<Proto.Port> ports)
    {
        var map = ImmutableSortedDictionary.CreateBuilder<ushort, ushort>();
        foreach (var port in ports)
        {
            map[(ushort)port.ServicePort] = (ushort)port.TargetPort;
        }

        return map.ToImmutable();
    }
}
