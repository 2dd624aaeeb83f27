using System.Collections.Immutable;
using Ztunnel.Policy;
using PortMap = System.Collections.Immutable.ImmutableSortedDictionary<ushort, ushort>;

namespace Ztunnel.Mesh.Local;

/// <summary>What a local mesh file says, in its order.</summary>
internal sealed record LocalMesh(
    ImmutableArray<LocalWorkload> Workloads,
    ImmutableArray<Service> Services,
    ImmutableArray<Authorization> Policies)
{
    public static LocalMesh Empty { get; } = new([], [], []);

    /// <summary>The snapshot with the file's content added; of two with one key the later wins.</summary>
    public MeshSnapshot ApplyTo(MeshSnapshot snapshot)
    {
        var builder = snapshot.ToBuilder();
        foreach (var workload in Workloads)
        {
            builder.SetWorkload(workload.Workload, workload.EndpointOf);
        }

        foreach (var policy in Policies)
        {
            builder.SetPolicy(policy);
        }

        foreach (var service in Services)
        {
            builder.SetService(service);
        }

        return builder.ToSnapshot();
    }
}

/// <summary>
/// A workload of the file. It is an endpoint of services without naming them itself (<see cref="Workload.Services"/> is
/// empty): tools and logs show such workloads without services on the inbound side.
/// </summary>
internal sealed record LocalWorkload(Workload Workload, ImmutableDictionary<NamespacedHostname, PortMap> EndpointOf);
