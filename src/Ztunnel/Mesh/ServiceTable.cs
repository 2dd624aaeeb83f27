using System.Collections.Immutable;

namespace Ztunnel.Mesh;

/// <summary>The services of a snapshot with their endpoints and indexes. Immutable.</summary>
internal sealed class ServiceTable
{
    private readonly ImmutableDictionary<NamespacedHostname, ServiceEntry> _services;
    private readonly ServiceNameIndex<string> _byHostname;
    private readonly ServiceNameIndex<NetworkAddress> _byVip;
    private readonly CidrVipIndex _byCidrVip;

    // What workloads make of themselves, by service; also for services that are not known (yet).
    private readonly ImmutableDictionary<NamespacedHostname, ImmutableDictionary<string, ServiceEndpoint>> _endpoints;

    private ServiceTable(
        ImmutableDictionary<NamespacedHostname, ServiceEntry> services,
        ServiceNameIndex<string> byHostname,
        ServiceNameIndex<NetworkAddress> byVip,
        CidrVipIndex byCidrVip,
        ImmutableDictionary<NamespacedHostname, ImmutableDictionary<string, ServiceEndpoint>> endpoints)
    {
        _services = services;
        _byHostname = byHostname;
        _byVip = byVip;
        _byCidrVip = byCidrVip;
        _endpoints = endpoints;
    }

    public static ServiceTable Empty { get; } = new(
        [], ServiceNameIndex<string>.Empty, ServiceNameIndex<NetworkAddress>.Empty, CidrVipIndex.Empty, []);

    public IEnumerable<Service> All => _services.Values.Select(entry => entry.Service);

    /// <summary>Endpoints of services that are not known.</summary>
    public IEnumerable<KeyValuePair<NamespacedHostname, ImmutableDictionary<string, ServiceEndpoint>>> Staged =>
        _endpoints.Where(endpoints => !_services.ContainsKey(endpoints.Key));

    public Service? Find(NamespacedHostname name) => _services.TryGetValue(name, out var entry) ? entry.Service : null;

    /// <summary>The best of all namespaces' services with that hostname.</summary>
    public Service? FindByHostname(string hostname, string? clientNamespace)
    {
        // The client's own service wins over all others; a hostname can be declared in thousands of namespaces.
        var own = clientNamespace is null ? null : Find(new(clientNamespace, hostname));
        return own ?? ServiceRank.Best(Resolve(_byHostname.Find(hostname)), clientNamespace);
    }

    /// <summary>
    /// The best service with that VIP; when none of them is visible, the best with a range around it: the client's own
    /// namespace, then the longer prefix, then the canonical one, then the one inserted first.
    /// </summary>
    public Service? FindByVip(NetworkAddress address, string? clientNamespace)
    {
        var exact = ServiceRank.Best(Resolve(_byVip.Find(address)), clientNamespace);
        if (exact is not null)
        {
            return exact;
        }

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
        private readonly ImmutableDictionary<NamespacedHostname, ServiceEntry>.Builder _services =
            origin._services.ToBuilder();

        private readonly ServiceNameIndex<string>.Builder _byHostname = origin._byHostname.ToBuilder();
        private readonly ServiceNameIndex<NetworkAddress>.Builder _byVip = origin._byVip.ToBuilder();
        private readonly CidrVipIndex.Builder _byCidrVip = origin._byCidrVip.ToBuilder();

        private readonly ImmutableDictionary<NamespacedHostname, ImmutableDictionary<string, ServiceEndpoint>>.Builder
            _endpoints = origin._endpoints.ToBuilder();

        // Services whose endpoints have to be put together anew at the end, whatever the order of the changes was.
        private readonly Dictionary<NamespacedHostname, ImmutableDictionary<string, ServiceEndpoint>.Builder>
            _changed = [];

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

        public void SetEndpoint(NamespacedHostname name, ServiceEndpoint endpoint) =>
            Endpoints(name)[endpoint.WorkloadUid] = endpoint;

        public void RemoveEndpoint(NamespacedHostname name, string uid) => Endpoints(name).Remove(uid);

        public ServiceTable ToTable()
        {
            foreach (var (name, builder) in _changed)
            {
                var endpoints = builder.ToImmutable();
                if (endpoints.IsEmpty)
                {
                    _endpoints.Remove(name);
                }
                else
                {
                    _endpoints[name] = endpoints;
                }

                if (_services.TryGetValue(name, out var entry))
                {
                    // With nothing declared, which is the rule, this shares the dictionary instead of merging it.
                    var all = entry.Declared.IsEmpty ? endpoints : entry.Declared.SetItems(endpoints);
                    _services[name] = entry with { Service = entry.Service with { Endpoints = all } };
                }
            }

            _changed.Clear();
            return new(
                _services.ToImmutable(),
                _byHostname.ToIndex(),
                _byVip.ToIndex(),
                _byCidrVip.ToIndex(),
                _endpoints.ToImmutable());
        }

        private ImmutableDictionary<string, ServiceEndpoint>.Builder Endpoints(NamespacedHostname name)
        {
            if (!_changed.TryGetValue(name, out var endpoints))
            {
                endpoints = (_endpoints.GetValueOrDefault(name) ?? []).ToBuilder();
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
