using Ztunnel.Mesh.Maps;
using Groups = Ztunnel.Mesh.Maps.HashMap<
    Ztunnel.Mesh.EndpointGroup, Ztunnel.Mesh.Maps.HashMap<string, Ztunnel.Mesh.Workload>>;

namespace Ztunnel.Mesh;

/// <summary>
/// The endpoints that workloads make of themselves for one service, by uid and in groups of those that are alike, so that
/// choosing one looks at the groups, however many endpoints there are. Immutable.
/// </summary>
internal sealed class EndpointSet
{
    private EndpointSet(HashMap<string, ServiceEndpoint> endpoints, Groups all, HashMap<string, Groups>? byNode)
    {
        Endpoints = endpoints;
        All = all;
        ByNode = byNode;
    }

    public static EndpointSet Empty { get; } = new(HashMap<string, ServiceEndpoint>.Empty, Groups.Empty, byNode: null);

    public HashMap<string, ServiceEndpoint> Endpoints { get; }

    /// <summary>Every workload, in its group.</summary>
    public Groups All { get; }

    /// <summary>The same for each node; null unless the service prefers some nodes.</summary>
    public HashMap<string, Groups>? ByNode { get; }

    public Builder ToBuilder() => new(this);

    /// <summary>Collects changes; each costs what its group costs.</summary>
    public sealed class Builder(EndpointSet origin)
    {
        private readonly HashMap<string, ServiceEndpoint>.Builder _endpoints = origin.Endpoints.ToBuilder();
        private readonly Dictionary<EndpointGroup, HashMap<string, Workload>.Builder> _changed = [];
        private HashMap<string, Groups>? _byNode = origin.ByNode;

        /// <summary>Inserts an endpoint; one with its uid has to be removed before.</summary>
        public void Set(ServiceEndpoint endpoint, Workload workload)
        {
            _endpoints[workload.Uid] = endpoint;
            var group = new EndpointGroup(endpoint, workload);
            GroupOf(group)[workload.Uid] = workload;
            if (_byNode is not null)
            {
                _byNode = With(_byNode, group, workload);
            }
        }

        /// <summary>Removes the endpoint that this workload, as it was inserted, is.</summary>
        public void Remove(Workload workload)
        {
            if (!_endpoints.Remove(workload.Uid, out var endpoint))
            {
                return;
            }

            var group = new EndpointGroup(endpoint, workload);
            GroupOf(group).Remove(workload.Uid);
            if (_byNode is not null)
            {
                var groups = _byNode[workload.Node];
                var left = groups[group].Remove(workload.Uid);
                groups = left.IsEmpty ? groups.Remove(group) : groups.SetItem(group, left);
                _byNode = groups.IsEmpty ? _byNode.Remove(workload.Node) : _byNode.SetItem(workload.Node, groups);
            }
        }

        /// <param name="byNode">Whether groups for each node are wanted; null leaves that as it is.</param>
        public EndpointSet ToSet(bool? byNode)
        {
            var all = origin.All.ToBuilder();
            foreach (var (group, builder) in _changed)
            {
                var members = builder.ToMap();
                if (members.IsEmpty)
                {
                    all.Remove(group);
                }
                else
                {
                    all[group] = members;
                }
            }

            var groups = all.ToMap();
            return new(
                _endpoints.ToMap(),
                groups,
                (byNode ?? _byNode is not null) ? _byNode ?? GroupedByNode(groups) : null);
        }

        // Once, when a service begins to prefer nodes.
        private static HashMap<string, Groups> GroupedByNode(Groups all)
        {
            var byNode = HashMap<string, Groups>.Empty;
            foreach (var (group, members) in all)
            {
                foreach (var workload in members.Values)
                {
                    byNode = With(byNode, group, workload);
                }
            }

            return byNode;
        }

        private static HashMap<string, Groups> With(
            HashMap<string, Groups> byNode, EndpointGroup group, Workload workload)
        {
            var groups = byNode.GetValueOrDefault(workload.Node) ?? Groups.Empty;
            var members = groups.GetValueOrDefault(group) ?? HashMap<string, Workload>.Empty;
            return byNode.SetItem(workload.Node, groups.SetItem(group, members.SetItem(workload.Uid, workload)));
        }

        private HashMap<string, Workload>.Builder GroupOf(EndpointGroup group)
        {
            if (!_changed.TryGetValue(group, out var members))
            {
                members = (origin.All.GetValueOrDefault(group) ?? HashMap<string, Workload>.Empty).ToBuilder();
                _changed.Add(group, members);
            }

            return members;
        }
    }
}
