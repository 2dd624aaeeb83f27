using Ztunnel.Mesh.Maps;
using Groups = Ztunnel.Mesh.Maps.HashMap<
    Ztunnel.Mesh.EndpointGroup, Ztunnel.Mesh.Maps.HashMap<string, Ztunnel.Mesh.Workload>>;

namespace Ztunnel.Mesh.Routing;

/// <summary>Chooses among groups of endpoints that are alike, then within one, each endpoint as often as by itself.</summary>
internal static class GroupSelection
{
    /// <summary>
    /// As <see cref="EndpointSelection.Choose"/>, without any of <paramref name="passed"/>: they are counted out of their
    /// groups, which costs a look-up for each of them in each group.
    /// </summary>
    public static SelectedEndpoint? Choose(
        EndpointSet endpoints,
        Workload source,
        Service service,
        ushort servicePort,
        ResolutionMode mode,
        Random random,
        in PassedOver passed)
    {
        var everywhere = Best(endpoints.All, sameNode: false, source, service, servicePort, mode, random, passed);
        if (endpoints.ByNode?.GetValueOrDefault(source.Node) is { } groups)
        {
            // Being on the client's node can only raise a rank, and then these are all that have it.
            var here = Best(groups, sameNode: true, source, service, servicePort, mode, random, passed);
            if (here.Rank > everywhere.Rank)
            {
                return (here with { Candidates = Math.Max(here.Candidates, everywhere.Candidates) }).Draw(random, passed);
            }
        }

        return everywhere.Draw(random, passed);
    }

    private static Group Best(
        Groups groups,
        bool sameNode,
        Workload source,
        Service service,
        ushort servicePort,
        ResolutionMode mode,
        Random random,
        in PassedOver passed)
    {
        var best = new Group(Rank: -1, null, 0);
        var totalWeight = 0L;
        var candidates = 0;
        foreach (var (group, members) in groups)
        {
            var sample = members.At(0);
            if (!service.Admits(group.Status)
                || sample.Capacity == 0
                || !EndpointSelection.IsReachable(sample, source)
                || EndpointSelection.TargetPort(service, group.Ports, sample, servicePort, mode) is not { } targetPort
                || EndpointSelection.Rank(service.LoadBalancer, source, sample, sameNode) is not { } rank)
            {
                continue;
            }

            var left = passed.IsEmpty ? members.Count : members.Count - CountOf(passed, members, targetPort);
            candidates += members.Count;
            if (left == 0 || rank < best.Rank)
            {
                continue;
            }

            if (rank > best.Rank)
            {
                totalWeight = 0;
            }

            // Weighted reservoir of one: each candidate replaces the choice with probability weight / weights so far.
            var weight = (long)sample.Capacity * left;
            totalWeight += weight;
            if (random.NextInt64(totalWeight) < weight)
            {
                best = new(rank, members, targetPort) { Left = left };
            }
        }

        return best with { Candidates = candidates };
    }

    // One that was both tried and ejected is counted once, as is one that is there with two addresses.
    private static int CountOf(in PassedOver passed, HashMap<string, Workload> members, ushort targetPort)
    {
        HashSet<string>? found = null;
        foreach (var key in passed.Tried)
        {
            Add(key);
        }

        foreach (var key in passed.Ejected?.Keys ?? [])
        {
            Add(key);
        }

        return found?.Count ?? 0;

        void Add(EndpointKey key)
        {
            if (members.TryGetValue(key.WorkloadUid, out var workload) && key.IsOf(workload, targetPort))
            {
                (found ??= new(StringComparer.Ordinal)).Add(key.WorkloadUid);
            }
        }
    }

    /// <param name="Rank">-1 without members.</param>
    /// <param name="Members">Who is in it.</param>
    /// <param name="TargetPort">Of each of them.</param>
    private readonly record struct Group(int Rank, HashMap<string, Workload>? Members, ushort TargetPort)
    {
        // While at least half of the group is left, so many draws in vain have a chance of one in four billion.
        private const int MaxDraws = 32;

        /// <summary>Members that are not passed over.</summary>
        public int Left { get; init; }

        /// <summary>Of all groups together, those passed over included.</summary>
        public int Candidates { get; init; }

        public SelectedEndpoint? Draw(Random random, in PassedOver passed)
        {
            if (Members is null)
            {
                return null;
            }

            if (Left == Members.Count)
            {
                return Selected(Members.At(random.Next(Members.Count)));
            }

            for (var draw = 0; 2 * Left >= Members.Count && draw < MaxDraws; draw++)
            {
                var drawn = Members.At(random.Next(Members.Count));
                if (!passed.Contains(drawn, TargetPort))
                {
                    return Selected(drawn);
                }
            }

            // The group is no larger than twice the endpoints that are passed over, of which there are never many.
            var place = random.Next(Left);
            foreach (var member in Members.Values)
            {
                if (!passed.Contains(member, TargetPort) && place-- == 0)
                {
                    return Selected(member);
                }
            }

            return null;
        }

        private SelectedEndpoint Selected(Workload workload) => new(workload, TargetPort) { Candidates = Candidates };
    }
}
