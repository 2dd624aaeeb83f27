using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Ztunnel.Mesh;

namespace Ztunnel.Tests.Mesh;

/// <summary>Short spellings of mesh resources; what a test does not name is ordinary.</summary>
internal static class TestMesh
{
    public static readonly Random AnyRandom = new(1);

    public static MeshSnapshot Empty { get; } = MeshSnapshot.Empty(localNode: null);

    public static Workload Pod(string name, params ReadOnlySpan<string> addresses) => new()
    {
        Uid = $"cluster1//Pod/ns1/{name}",
        Name = name,
        Namespace = "ns1",
        ServiceAccount = name,
        TrustDomain = "cluster.local",
        Addresses = Addresses(addresses),
        Node = "local",
        ClusterId = "cluster1",
        WorkloadType = WorkloadType.Pod,
    };

    public static Workload Hbone(this Workload workload) => workload with { Protocol = TunnelProtocol.Hbone };

    public static Workload EndpointOf(this Workload workload, Service service, string ports) =>
        workload with { Services = workload.Services.SetItem(service.NamespacedHostname, Ports(ports)) };

    /// <param name="ports">As <c>80:8080,81:0</c>.</param>
    public static Service Service(string hostname, string ports, params ReadOnlySpan<string> vips) => new()
    {
        Name = hostname.Split('.')[0],
        Namespace = "ns1",
        Hostname = hostname,
        Ports = Ports(ports),
        Vips = [.. Addresses(vips).Select(vip => new NetworkAddress("", vip))],
    };

    public static Service Balanced(
        this Service service, LoadBalancerMode mode, params ReadOnlySpan<LoadBalancerScope> preferences) =>
        service with { LoadBalancer = new([.. preferences], mode, HealthPolicy.OnlyHealthy) };

    public static Service AllowingUnhealthy(this Service service) =>
        service with { LoadBalancer = new([], LoadBalancerMode.Standard, HealthPolicy.AllowAll) };

    public static GatewayAddress GatewayAt(string address, ushort port = 15008, string network = "") =>
        new(new NetworkAddress(network, IPAddress.Parse(address)), null, port);

    public static GatewayAddress GatewayNamed(string ns, string hostname, ushort port = 15008) =>
        new(null, new NamespacedHostname(ns, hostname), port);

    public static NetworkAddress At(string address, string network = "") => new(network, IPAddress.Parse(address));

    public static ImmutableSortedDictionary<ushort, ushort> Ports(string ports) =>
        ports.Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select(pair => pair.Split(':'))
            .ToImmutableSortedDictionary(
                pair => ushort.Parse(pair[0], CultureInfo.InvariantCulture),
                pair => ushort.Parse(pair[1], CultureInfo.InvariantCulture));

    public static MeshSnapshot With(this MeshSnapshot snapshot, params ReadOnlySpan<object> resources)
    {
        var builder = snapshot.ToBuilder();
        foreach (var resource in resources)
        {
            switch (resource)
            {
                case Workload workload:
                    builder.SetWorkload(workload);
                    break;
                case Service service:
                    builder.SetService(service);
                    break;
                case Ztunnel.Policy.Authorization policy:
                    builder.SetPolicy(policy);
                    break;
                default:
                    throw new ArgumentException($"{resource} is no resource");
            }
        }

        return builder.ToSnapshot();
    }

    public static MeshSnapshot Without(this MeshSnapshot snapshot, params ReadOnlySpan<object> resources)
    {
        var builder = snapshot.ToBuilder();
        foreach (var resource in resources)
        {
            switch (resource)
            {
                case Workload workload:
                    builder.RemoveWorkload(workload.Uid);
                    break;
                case Service service:
                    builder.RemoveService(service.NamespacedHostname);
                    break;
                case Ztunnel.Policy.Authorization policy:
                    builder.RemovePolicy(policy.Key);
                    break;
                default:
                    throw new ArgumentException($"{resource} is no resource");
            }
        }

        return builder.ToSnapshot();
    }

    private static ImmutableArray<IPAddress> Addresses(ReadOnlySpan<string> addresses)
    {
        var result = ImmutableArray.CreateBuilder<IPAddress>();
        foreach (var address in addresses)
        {
            result.Add(IPAddress.Parse(address));
        }

        return result.DrainToImmutable();
    }
}
