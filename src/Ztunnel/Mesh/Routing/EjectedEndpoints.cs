using System.Collections.Frozen;

namespace Ztunnel.Mesh.Routing;

/// <summary>The endpoints that are passed over at one moment. Immutable and never empty.</summary>
internal sealed class EjectedEndpoints
{
    private readonly FrozenSet<string> _workloads;

    public EjectedEndpoints(IReadOnlyList<EndpointKey> keys)
    {
        ArgumentOutOfRangeException.ThrowIfZero(keys.Count, nameof(keys));
        Keys = keys;
        _workloads = keys.Select(key => key.WorkloadUid).ToFrozenSet(StringComparer.Ordinal);
    }

    public IReadOnlyList<EndpointKey> Keys { get; }

    public bool Contains(Workload workload, ushort targetPort)
    {
        if (!_workloads.Contains(workload.Uid))
        {
            return false;
        }

        foreach (var key in Keys)
        {
            if (key.IsOf(workload, targetPort))
            {
                return true;
            }
        }

        return false;
    }
}
