using System.Collections.Immutable;
using Hbone.Tls;
using Ztunnel.Mesh.Maps;
using PortMap = System.Collections.Immutable.ImmutableSortedDictionary<ushort, ushort>;

namespace Ztunnel.Mesh;

/// <summary>The workloads of a snapshot with their indexes. Immutable.</summary>
internal sealed class WorkloadTable
{
    private readonly string? _localNode;
    private readonly HashMap<string, WorkloadEntry> _byUid;
    private readonly WorkloadIndex<NetworkAddress> _byAddress;
    private readonly WorkloadIndex<NamespacedHostname> _byHostname;
    private readonly WorkloadIndex<WorkloadInfo> _local;
    private readonly long _lastSequence;

    private WorkloadTable(
        string? localNode,
        HashMap<string, WorkloadEntry> byUid,
        WorkloadIndex<NetworkAddress> byAddress,
        WorkloadIndex<NamespacedHostname> byHostname,
        WorkloadIndex<WorkloadInfo> local,
        ImmutableDictionary<SpiffeId, int> localIdentities,
        long lastSequence)
    {
        _localNode = localNode;
        _byUid = byUid;
        _byAddress = byAddress;
        _byHostname = byHostname;
        _local = local;
        LocalIdentities = localIdentities;
        _lastSequence = lastSequence;
    }

    public IEnumerable<Workload> All => _byUid.Values.Select(entry => entry.Workload);

    /// <summary>Identities of this node's workloads that tunnels end at, and how many workloads have each.</summary>
    public ImmutableDictionary<SpiffeId, int> LocalIdentities { get; }

    public static WorkloadTable Empty(string? localNode) => new(
        localNode,
        HashMap<string, WorkloadEntry>.Empty,
        WorkloadIndex<NetworkAddress>.Empty,
        WorkloadIndex<NamespacedHostname>.Empty,
        WorkloadIndex<WorkloadInfo>.Empty,
        [],
        lastSequence: 0);

    public Workload? Find(string uid) => _byUid.TryGetValue(uid, out var entry) ? entry.Workload : null;

    public Workload? Find(NetworkAddress address) => _byAddress.Find(address);

    public Workload? Find(NamespacedHostname hostname) => _byHostname.Find(hostname);

    public Workload? FindLocal(WorkloadInfo pod) => _local.Find(pod);

    public Builder ToBuilder() => new(this);

    public sealed class Builder(WorkloadTable origin)
    {
        private readonly HashMap<string, WorkloadEntry>.Builder _byUid = origin._byUid.ToBuilder();
        private readonly WorkloadIndex<NetworkAddress>.Builder _byAddress = origin._byAddress.ToBuilder();
        private readonly WorkloadIndex<NamespacedHostname>.Builder _byHostname = origin._byHostname.ToBuilder();
        private readonly WorkloadIndex<WorkloadInfo>.Builder _local = origin._local.ToBuilder();

        private readonly ImmutableDictionary<SpiffeId, int>.Builder _localIdentities =
            origin.LocalIdentities.ToBuilder();

        private long _lastSequence = origin._lastSequence;

        /// <summary>Inserts or replaces by uid.</summary>
        /// <returns>The entry that was replaced.</returns>
        public WorkloadEntry? Set(Workload workload, ImmutableDictionary<NamespacedHostname, PortMap> endpointOf)
        {
            var previous = Remove(workload.Uid);
            var entry = new WorkloadEntry(workload, endpointOf, ++_lastSequence);
            _byUid[workload.Uid] = entry;
            foreach (var address in AddressesOf(workload))
            {
                _byAddress.Add(address, entry);
            }

            if (workload.Hostname.Length > 0)
            {
                _byHostname.Add(new(workload.Namespace, workload.Hostname), entry);
            }

            if (IsLocal(workload))
            {
                _local.Add(workload.Info, entry);
            }

            if (HasLocalIdentity(workload))
            {
                _localIdentities[workload.Identity] = _localIdentities.GetValueOrDefault(workload.Identity) + 1;
            }

            return previous;
        }

        /// <returns>The entry that was removed.</returns>
        public WorkloadEntry? Remove(string uid)
        {
            if (!_byUid.Remove(uid, out var entry))
            {
                return null;
            }

            var workload = entry.Workload;
            foreach (var address in AddressesOf(workload))
            {
                _byAddress.Remove(address, entry);
            }

            if (workload.Hostname.Length > 0)
            {
                _byHostname.Remove(new(workload.Namespace, workload.Hostname), entry);
            }

            if (IsLocal(workload))
            {
                _local.Remove(workload.Info, entry);
            }

            if (HasLocalIdentity(workload))
            {
                ForgetIdentity(workload.Identity);
            }

            return entry;
        }

        public WorkloadTable ToTable() => new(
            origin._localNode,
            _byUid.ToMap(),
            _byAddress.ToIndex(),
            _byHostname.ToIndex(),
            _local.ToIndex(),
            _localIdentities.ToImmutable(),
            _lastSequence);

        // The addresses of a host-network pod are its node's: traffic to them is not traffic to the pod.
        private static IEnumerable<NetworkAddress> AddressesOf(Workload workload) =>
            workload.NetworkMode == NetworkMode.HostNetwork
                ? []
                : workload.Addresses.Select(address => new NetworkAddress(workload.Network, address));

        // With no node to tell apart, the identities of the whole mesh would be local.
        private bool HasLocalIdentity(Workload workload) =>
            origin._localNode is { } node
            && workload.Node == node
            && (workload.NativeTunnel || workload.Protocol == TunnelProtocol.Hbone);

        private void ForgetIdentity(SpiffeId identity)
        {
            var left = _localIdentities[identity] - 1;
            if (left == 0)
            {
                _localIdentities.Remove(identity);
            }
            else
            {
                _localIdentities[identity] = left;
            }
        }

        private bool IsLocal(Workload workload) => origin._localNode is null || workload.Node == origin._localNode;
    }
}
