using System.Collections.Immutable;
using Ztunnel.Mesh.Maps;

namespace Ztunnel.Mesh;

/// <summary>The services of a snapshot with their endpoints and indexes. Immutable.</summary>
internal sealed class ServiceTable
{
    private readonly HashMap<NamespacedHostname, ServiceEntry> _services;
    private readonly ServiceNameIndex<string> _byHostname;
    private readonly ServiceNameIndex<NetworkAddress> _byVip;
    private readonly CidrVipIndex _byCidrVip;

    // What workloads make of themselves, by service; also for services that are not known (yet).
    private readonly HashMap<NamespacedHostname, EndpointSet> _endpoints;

    private ServiceTable(
        HashMap<NamespacedHostname, ServiceEntry> services,
        ServiceNameIndex<string> byHostname,
        ServiceNameIndex<NetworkAddress> byVip,
        CidrVipIndex byCidrVip,
        HashMap<NamespacedHostname, EndpointSet> endpoints)
    {
        _services = services;
        _byHostname = byHostname;
        _byVip = byVip;
        _byCidrVip = byCidrVip;
        _endpoints = endpoints;
    }

    public static ServiceTable Empty { get; } = new(
        HashMap<NamespacedHostname, ServiceEntry>.Empty,
        ServiceNameIndex<string>.Empty,
        ServiceNameIndex<NetworkAddress>.Empty,
        CidrVipIndex.Empty,
        HashMap<NamespacedHostname, EndpointSet>.Empty);

    public IEnumerable<Service> All => _services.Values.Select(entry => entry.Service);

    /// <summary>Endpoints of services that are not known.</summary>
    public IEnumerable<KeyValuePair<NamespacedHostname, HashMap<string, ServiceEndpoint>>> Staged =>
        _endpoints.Where(set => !_services.ContainsKey(set.Key))
            .Select(set => KeyValuePair.Create(set.Key, set.Value.Endpoints));

    public Service? Find(NamespacedHostname name) => _services.TryGetValue(name, out var entry) ? entry.Service : null;

    /// <summary>The best of all namespaces' services with that hostname.</summary>
    public Service? FindByHostname(string hostname, string? clientNamespace)
    {
        // The client's own service wins over all others; a hostname can be declared in thousands of namespaces.
        var own = clientNamespace is null ? null : Find(new(clientNamespace, hostname));
        return own ?? ServiceRank.Best(Resolve(_byHostname.Find(hostname)), clientNamespace);
    }

    /// <summary>The same among those that <paramref name="isMeant"/> holds for, with a namespace that breaks ties.</summary>
    public Service? FindByHostname(
        string hostname, string clientNamespace, string? preferredNamespace, Func<Service, bool> isMeant)
    {
        var own = Find(new(clientNamespace, hostname));
        return own is not null && isMeant(own)
            ? own
            : ServiceRank.Best(
                Resolve(_byHostname.Find(hostname)).Where(isMeant), clientNamespace, preferredNamespace);
    }

    /// <summary>The best service with exactly that VIP.</summary>
    public Service? FindByVip(NetworkAddress address, string? clientNamespace) =>
        ServiceRank.Best(Resolve(_byVip.Find(address)), clientNamespace);

    /// <summary>
    /// The best service with a range around that address: the client's own namespace, then the longer prefix, then the
    /// canonical one, then the one inserted first.
    /// </summary>
    public Service? FindByRange(NetworkAddress address, string? clientNamespace)
    {
        Service? best = null;
        foreach (var names in _byCidrVip.Find(address))
        {
            var candidate = BestOfRange(names, clientNamespace);
            if (candidate is not null && candidate.Namespace == clientNamespace)
            {
                return candidate;
            }

            best ??= candidate;
        }

        return best;
    }

    /// <summary>Every service with that VIP or with a range around it, whoever sees it.</summary>
    public IEnumerable<Service> AllAt(NetworkAddress address) =>
        Resolve(_byVip.Find(address)).Concat(_byCidrVip.Find(address).SelectMany(names => Resolve(names)));

    public Builder ToBuilder() => new(this);

    private Service? BestOfRange(ImmutableArray<NamespacedHostname> names, string? clientNamespace) =>
        Resolve(names)
            .Where(service => service.IsVisibleTo(clientNamespace))
            .MaxBy(service => (service.Namespace == clientNamespace, service.Canonical)); // the first of equals

    private IEnumerable<Service> Resolve(ImmutableArray<NamespacedHostname> names)
    {
        foreach (var name in names)
        {
            yield return _services[name].Service;
        }
    }

    public sealed class Builder(ServiceTable origin)
    {
        private readonly HashMap<NamespacedHostname, ServiceEntry>.Builder _services =
            origin._services.ToBuilder();

        private readonly ServiceNameIndex<string>.Builder _byHostname = origin._byHostname.ToBuilder();
        private readonly ServiceNameIndex<NetworkAddress>.Builder _byVip = origin._byVip.ToBuilder();
        private readonly CidrVipIndex.Builder _byCidrVip = origin._byCidrVip.ToBuilder();

        private readonly HashMap<NamespacedHostname, EndpointSet>.Builder
            _endpoints = origin._endpoints.ToBuilder();

        // Services whose endpoints have to be put together anew at the end, whatever the order of the changes was.
        private readonly Dictionary<NamespacedHostname, EndpointSet.Builder> _changed = [];

        /// <summary>Inserts or replaces by namespace and hostname; what workloads contribute stays.</summary>
        public void Set(Service service)
        {
            var name = service.NamespacedHostname;
            if (_services.TryGetValue(name, out var previous))
            {
                RemoveRanges(previous.Service, except: service);
            }

            _services[name] = new(service, service.Endpoints);
            _byHostname.Add(service.Hostname, name);
            foreach (var vip in service.Vips)
            {
                _byVip.Add(vip, name);
            }

            foreach (var range in service.CidrVips)
            {
                _byCidrVip.Add(range, name);
            }

            Endpoints(name);
        }

        public void Remove(NamespacedHostname name)
        {
            if (_services.Remove(name, out var entry))
            {
                RemoveRanges(entry.Service, except: null);
                _byHostname.Remove(name.Hostname, name);
            }
        }

        public void SetEndpoint(NamespacedHostname name, ServiceEndpoint endpoint, Workload workload) =>
            Endpoints(name).Set(endpoint, workload);

        public void RemoveEndpoint(NamespacedHostname name, Workload workload) => Endpoints(name).Remove(workload);

        public ServiceTable ToTable()
        {
            foreach (var (name, builder) in _changed)
            {
                var isKnown = _services.TryGetValue(name, out var entry);
                var set = builder.ToSet(byNode: isKnown ? entry!.Service.PrefersNode : null);
                if (set.Endpoints.IsEmpty)
                {
                    _endpoints.Remove(name);
                }
                else
                {
                    _endpoints[name] = set;
                }

                if (isKnown)
                {
                    _services[name] = entry! with { Service = WithEndpoints(entry, set) };
                }
            }

            _changed.Clear();
            return new(
                _services.ToMap(),
                _byHostname.ToIndex(),
                _byVip.ToIndex(),
                _byCidrVip.ToIndex(),
                _endpoints.ToMap());
        }

        // With nothing declared, which is the rule, this shares the map instead of merging it.
        private static Service WithEndpoints(ServiceEntry entry, EndpointSet set)
        {
            if (entry.Declared.IsEmpty)
            {
                return entry.Service with { Endpoints = set.Endpoints, Groups = set };
            }

            var all = entry.Declared.ToBuilder();
            foreach (var (uid, endpoint) in set.Endpoints)
            {
                all[uid] = endpoint;
            }

            return entry.Service with { Endpoints = all.ToMap(), Groups = null };
        }

        private EndpointSet.Builder Endpoints(NamespacedHostname name)
        {
            if (!_changed.TryGetValue(name, out var endpoints))
            {
                endpoints = (_endpoints.GetValueOrDefault(name) ?? EndpointSet.Empty).ToBuilder();
                _changed.Add(name, endpoints);
            }

            return endpoints;
        }

        // Addresses that stay keep their place among the services that share them.
        private void RemoveRanges(Service service, Service? except)
        {
            foreach (var vip in service.Vips)
            {
                if (except is null || !except.Vips.Contains(vip))
                {
                    _byVip.Remove(vip, service.NamespacedHostname);
                }
            }

            foreach (var range in service.CidrVips)
            {
                if (except is null || !except.CidrVips.Contains(range))
                {
                    _byCidrVip.Remove(range, service.NamespacedHostname);
                }
            }
        }
    }
}
