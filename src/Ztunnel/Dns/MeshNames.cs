using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Ztunnel.Config;
using Ztunnel.Dns.Wire;
using Ztunnel.Mesh;

namespace Ztunnel.Dns;

/// <summary>Answers names out of the mesh: which service a pod means, and at which addresses it finds it.</summary>
/// <param name="options">Cluster domain, mode, preferred namespace, IPv6.</param>
/// <param name="resolverSearch">Search list of a dedicated proxy's host; pods have that of their namespace.</param>
internal sealed class MeshNames(ProxyOptions options, ImmutableArray<string> resolverSearch)
{
    private readonly NameCandidates _candidates = new(options.ClusterDomain);

    /// <summary>What the mesh says about a name; null when it is none of the mesh's.</summary>
    /// <param name="mesh">The mesh.</param>
    /// <param name="client">The pod that asks.</param>
    /// <param name="name">Lower case, no final dot.</param>
    /// <param name="type">A or AAAA.</param>
    public MeshNameAnswer? Find(MeshSnapshot mesh, Workload client, string name, ushort type)
    {
        var search = options.Mode == ProxyMode.Shared ? _candidates.SearchDomainsOf(client.Namespace) : resolverSearch;
        foreach (var candidate in _candidates.Of(name, client.Namespace, search))
        {
            foreach (var hostname in NameCandidates.WithWildcards(candidate.Name))
            {
                if (FindService(mesh, client, hostname) is { } service)
                {
                    return Answer(mesh, client, service, candidate, type);
                }
            }
        }

        return null;
    }

    private Service? FindService(MeshSnapshot mesh, Workload client, string hostname) =>
        mesh.FindServiceByName(
            hostname, client.Namespace, options.PreferredServiceNamespace, CanBeHeadless(hostname) ? AnyService : WithVips);

    // A range of addresses is no answer; without an address, only Kubernetes' services answer with their endpoints.
    private bool CanBeHeadless(string hostname) =>
        hostname.EndsWith(_candidates.KubernetesSuffix, StringComparison.Ordinal);

    private static bool AnyService(Service service) => true;

    private static bool WithVips(Service service) => !service.Vips.IsEmpty;

    private MeshNameAnswer Answer(
        MeshSnapshot mesh, Workload client, Service service, NameCandidate candidate, ushort type)
    {
        var family = type == DnsType.A ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;
        if (!IsServed(service, family))
        {
            return new MeshNameAnswer(IsTypeServed: false, null, []);
        }

        var addresses = service.Vips.IsEmpty ? EndpointsOf(mesh, service, family) : VipsOf(service, client, family);
        Random.Shared.Shuffle(addresses);

        // A name cannot lead to a wildcard, so what it holds answers to the name that was asked for.
        var isWildcard = service.Hostname.StartsWith("*.", StringComparison.Ordinal);
        return new MeshNameAnswer(IsTypeServed: true, isWildcard ? null : candidate.Stripped, addresses);
    }

    private bool IsServed(Service service, AddressFamily family) => family == AddressFamily.InterNetwork
        ? service.IpFamilies != IpFamilies.IPv6
        : service.IpFamilies != IpFamilies.IPv4 && options.Ipv6Enabled;

    private static IPAddress[] VipsOf(Service service, Workload client, AddressFamily family)
    {
        var addresses = new List<IPAddress>();
        foreach (var vip in service.Vips)
        {
            if (vip.Network == client.Network && vip.Address.AddressFamily == family)
            {
                addresses.Add(vip.Address);
            }
        }

        return [.. addresses];
    }

    private static IPAddress[] EndpointsOf(MeshSnapshot mesh, Service service, AddressFamily family)
    {
        var allowsUnhealthy = service.LoadBalancer?.HealthPolicy == HealthPolicy.AllowAll;
        var addresses = new List<IPAddress>();
        foreach (var endpoint in service.Endpoints.Values)
        {
            if ((allowsUnhealthy || endpoint.Status == WorkloadStatus.Healthy)
                && mesh.FindWorkload(endpoint.WorkloadUid) is { } workload
                && FirstOf(workload, family) is { } address)
            {
                addresses.Add(address);
            }
        }

        return [.. addresses];
    }

    private static IPAddress? FirstOf(Workload workload, AddressFamily family)
    {
        foreach (var address in workload.Addresses)
        {
            if (address.AddressFamily == family)
            {
                return address;
            }
        }

        return null;
    }
}

/// <summary>What the mesh says about a name.</summary>
/// <param name="IsTypeServed">Whether the service has addresses of that family at all.</param>
/// <param name="Alias">The name that the addresses belong to, when it is not the one that was asked for.</param>
/// <param name="Addresses">In random order.</param>
internal sealed record MeshNameAnswer(bool IsTypeServed, string? Alias, IPAddress[] Addresses);
