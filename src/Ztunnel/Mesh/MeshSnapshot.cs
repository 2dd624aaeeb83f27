using System.Collections.Immutable;
using Hbone.Tls;
using Ztunnel.Mesh.Maps;
using Ztunnel.Policy;

namespace Ztunnel.Mesh;

/// <summary>
/// Everything the proxy knows about the mesh at one moment. Immutable, so a connection reads one snapshot without a
/// lock and never sees half of a change. The next snapshot shares what did not change.
/// </summary>
internal sealed class MeshSnapshot
{
    private readonly WorkloadTable _workloads;
    private readonly ServiceTable _services;
    private readonly PolicyTable _policies;

    private MeshSnapshot(WorkloadTable workloads, ServiceTable services, PolicyTable policies)
    {
        _workloads = workloads;
        _services = services;
        _policies = policies;
    }

    /// <summary>All workloads, in no order.</summary>
    public IEnumerable<Workload> Workloads => _workloads.All;

    /// <summary>All services, in no order.</summary>
    public IEnumerable<Service> Services => _services.All;

    /// <summary>All policies, in no order.</summary>
    public IEnumerable<Authorization> Policies => _policies.All;

    /// <summary>
    /// Identities of this node's workloads that tunnels end at, and how many workloads have each; empty without a local
    /// node. The same object as long as nothing of it has changed.
    /// </summary>
    public ImmutableDictionary<SpiffeId, int> LocalIdentities => _workloads.LocalIdentities;

    /// <summary>Endpoints by workload uid of services that nobody has announced (yet).</summary>
    public IEnumerable<KeyValuePair<NamespacedHostname, HashMap<string, ServiceEndpoint>>>
        StagedEndpoints => _services.Staged;

    /// <param name="localNode">Name of the node whose pods are local; null makes every workload local.</param>
    public static MeshSnapshot Empty(string? localNode) =>
        new(WorkloadTable.Empty(localNode), ServiceTable.Empty, PolicyTable.Empty);

    public Workload? FindWorkload(string uid) => _workloads.Find(uid);

    /// <summary>The preferred workload with that address; never one on its node's network.</summary>
    public Workload? FindWorkload(NetworkAddress address) => _workloads.Find(address);

    /// <summary>A pod of this node.</summary>
    public Workload? FindLocalWorkload(WorkloadInfo pod) => _workloads.FindLocal(pod);

    public Service? FindService(NamespacedHostname name) => _services.Find(name);

    /// <summary>The service that a client of that namespace means by a VIP; null for no particular client.</summary>
    /// <remarks>A range counts when no service that the client sees has exactly this VIP.</remarks>
    public Service? FindServiceByVip(NetworkAddress vip, string? clientNamespace) =>
        _services.FindByVip(vip, clientNamespace) ?? _services.FindByRange(vip, clientNamespace);

    /// <summary>All services that some client may mean by an address.</summary>
    public IEnumerable<Service> ServicesAt(NetworkAddress address) => _services.AllAt(address);

    /// <summary>
    /// The service that a client of that namespace means by a hostname; null for no particular client.
    /// </summary>
    public Service? FindServiceByHostname(string hostname, string? clientNamespace) =>
        _services.FindByHostname(hostname, clientNamespace);

    /// <summary>
    /// The same among services that <paramref name="isMeant"/> holds for; among those of other namespaces, the canonical
    /// one comes before that of <paramref name="preferredNamespace"/>.
    /// </summary>
    public Service? FindServiceByName(
        string hostname, string clientNamespace, string? preferredNamespace, Func<Service, bool> isMeant) =>
        _services.FindByHostname(hostname, clientNamespace, preferredNamespace, isMeant);

    /// <summary>Whom an address belongs to: a workload before a service.</summary>
    public MeshAddress FindAddress(NetworkAddress address, string? clientNamespace) =>
        FindWorkload(address) is { } workload
            ? new(workload, null)
            : new(null, FindServiceByVip(address, clientNamespace));

    /// <summary>
    /// Where traffic to an address goes: the service with that VIP, the workload with that address, the service with a
    /// range around it. A pod inside of a range is still that pod, and keeps its tunnel.
    /// </summary>
    public MeshAddress FindUpstream(NetworkAddress address, string? clientNamespace)
    {
        if (_services.FindByVip(address, clientNamespace) is { } service)
        {
            return new(null, service);
        }

        return FindWorkload(address) is { } workload
            ? new(workload, null)
            : new(null, _services.FindByRange(address, clientNamespace));
    }

    /// <summary>
    /// Whom a full name belongs to: a service before a workload. Visibility does not matter to a reference.
    /// </summary>
    public MeshAddress FindHostname(NamespacedHostname name) =>
        FindService(name) is { } service ? new(null, service) : new(_workloads.Find(name), null);

    /// <summary>What the reference of a waypoint or gateway points at.</summary>
    public MeshAddress FindGateway(GatewayAddress gateway) => gateway switch
    {
        { Address: { } address } => FindAddress(address, clientNamespace: null),
        { Hostname: { } hostname } => FindHostname(hostname),
        _ => default,
    };

    public Authorization? FindPolicy(string key) => _policies.Find(key);

    /// <summary>Whether no policy was set or removed between the two, one of which descends from the other.</summary>
    public bool HasPoliciesOf(MeshSnapshot other) => _policies.IsSameAs(other._policies);

    /// <summary>The policies that apply to a workload, each once.</summary>
    public ImmutableArray<Authorization> PoliciesFor(Workload workload) => _policies.For(workload);

    /// <summary>The same, for a verdict.</summary>
    public PolicySet PolicySetFor(Workload workload) => _policies.SetFor(workload);

    /// <summary>The policies that a workload names but that are not known.</summary>
    public ImmutableArray<string> UnknownPoliciesOf(Workload workload) => _policies.UnknownOf(workload);

    public Builder ToBuilder() => new(this);

    /// <summary>
    /// Collects changes to a snapshot; the cost of each is that of the changed resource, whatever the size of the mesh.
    /// For one thread. Workloads and services may come in any order.
    /// </summary>
    public sealed class Builder(MeshSnapshot origin)
    {
        private readonly WorkloadTable.Builder _workloads = origin._workloads.ToBuilder();
        private readonly ServiceTable.Builder _services = origin._services.ToBuilder();
        private readonly PolicyTable.Builder _policies = origin._policies.ToBuilder();

        /// <summary>Inserts or replaces a workload, which is an endpoint of the services that it names.</summary>
        public void SetWorkload(Workload workload) => SetWorkload(workload, workload.Services);

        /// <summary>
        /// Inserts or replaces a workload, which is an endpoint of these services, named by it or not.
        /// </summary>
        public void SetWorkload(
            Workload workload,
            ImmutableDictionary<NamespacedHostname, ImmutableSortedDictionary<ushort, ushort>> endpointOf)
        {
            RemoveEndpoints(_workloads.Set(workload, endpointOf));
            foreach (var (service, ports) in endpointOf)
            {
                _services.SetEndpoint(service, new(workload.Uid, ports, workload.Status), workload);
            }
        }

        /// <returns>Whether there was one with that uid.</returns>
        public bool RemoveWorkload(string uid)
        {
            var removed = _workloads.Remove(uid);
            RemoveEndpoints(removed);
            return removed is not null;
        }

        /// <summary>Inserts or replaces a service; the endpoints that workloads make of themselves stay.</summary>
        public void SetService(Service service) => _services.Set(service);

        /// <summary>An unknown name is no error. Endpoints wait for the service to come back.</summary>
        public void RemoveService(NamespacedHostname name) => _services.Remove(name);

        public void SetPolicy(Authorization policy) => _policies.Set(policy);

        /// <summary>An unknown key is no error.</summary>
        public void RemovePolicy(string key) => _policies.Remove(key);

        public MeshSnapshot ToSnapshot() => new(_workloads.ToTable(), _services.ToTable(), _policies.ToTable());

        private void RemoveEndpoints(WorkloadEntry? entry)
        {
            if (entry is not null)
            {
                foreach (var service in entry.EndpointOf.Keys)
                {
                    _services.RemoveEndpoint(service, entry.Workload);
                }
            }
        }
    }
}
