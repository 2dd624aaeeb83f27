using Ztunnel.Mesh.Maps;
using Groups = Ztunnel.Mesh.Maps.HashMap<
    Ztunnel.Mesh.EndpointGroup, Ztunnel.Mesh.Maps.HashMap<string, Ztunnel.Mesh.Workload>>;

namespace Ztunnel.Mesh.Routing;

/// <summary>Chooses among groups of endpoints that are alike, then within one, each endpoint as often as by itself.</summary>
internal static class GroupSelection
{
    /// <inheritdoc cref="EndpointSelection.Choose"/>
    public static SelectedEndpoint? Choose(
        EndpointSet endpoints, Workload source, Service service, ushort servicePort, ResolutionMode mode, Random random)
    {
        var everywhere = Best(endpoints.All, sameNode: false, source, service, servicePort, mode, random);
        if (endpoints.ByNode?.GetValueOrDefault(source.Node) is { } groups)
        {
            // Being on the client's node can only raise a rank, and then these are all that have it.
            var here = Best(groups, sameNode: true, source, service, servicePort, mode, random);
            if (here.Rank > everywhere.Rank)
            {
                return here.Draw(random);
            }
        }

        return everywhere.Draw(random);
    }

    private static Group Best(
        Groups groups,
        bool sameNode,
        Workload source,
        Service service,
        ushort servicePort,
        ResolutionMode mode,
        Random random)
    {
        var best = new Group(Rank: -1, null, 0);
        var totalWeight = 0L;
        foreach (var (group, members) in groups)
        {
            var sample = members.At(0);
            if (!service.Admits(group.Status)
                || sample.Capacity == 0
                || !EndpointSelection.IsReachable(sample, source)
                || EndpointSelection.TargetPort(service, group.Ports, sample, servicePort, mode) is not { } targetPort
                || EndpointSelection.Rank(service.LoadBalancer, source, sample, sameNode) is not { } rank
                || rank < best.Rank)
            {
                continue;
            }

            if (rank > best.Rank)
            {
                totalWeight = 0;
            }

            // Weighted reservoir of one: each candidate replaces the choice with probability weight / weights so far.
            var weight = (long)sample.Capacity * members.Count;
            totalWeight += weight;
            if (random.NextInt64(totalWeight) < weight)
            {
                best = new(rank, members, targetPort);
            }
        }

        return best;
    }

    /// <param name="Rank">-1 without members.</param>
    /// <param name="Members">Who is in it.</param>
    /// <param name="TargetPort">Of each of them.</param>
    private readonly record struct Group(int Rank, HashMap<string, Workload>? Members, ushort TargetPort)
    {
        public SelectedEndpoint? Draw(Random random) =>
            Members is null ? null : new(Members.At(random.Next(Members.Count)), TargetPort);
    }
}
