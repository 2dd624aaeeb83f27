using System.Collections.Immutable;
using System.Net;
using BenchmarkDotNet.Attributes;
using Hbone.Tls;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using Ztunnel.Policy;
using Ztunnel.Proxy.Failover;
using Authorization = Ztunnel.Policy.Authorization;

namespace Ztunnel.Benchmarks;

/// <summary>Cost of decisions and of one change in a mesh of 100,000 workloads, 5,000 services and 2,000 policies.</summary>
[MemoryDiagnoser]
public class MeshBenchmarks
{
    private const int Workloads = 100_000;
    private const int Services = 5_000;
    private const int Policies = 2_000;

    private static readonly ImmutableSortedDictionary<ushort, ushort> Ports =
        ImmutableSortedDictionary<ushort, ushort>.Empty.Add(80, 8080);

    private static readonly IPEndPoint Vip = new(IPAddress.Parse("10.96.0.1"), 80);
    private static readonly IPEndPoint PodAddress = new(AddressOf(77_777), 8080);

    private readonly OutboundRouter _router = new("", new Random(1));
    private MeshSnapshot _mesh = null!;
    private Workload _source = null!;
    private Workload _changing = null!;
    private PolicyInput _input;
    private PassedOver _oneEjected;
    private PassedOver _manyEjected;

    /// <summary>Endpoints of the service that is dialled; the other workloads belong to others.</summary>
    [Params(10, 1_000, 50_000)]
    public int Endpoints { get; set; }

    [GlobalSetup]
    public void Build()
    {
        var builder = MeshSnapshot.Empty("node-0").ToBuilder();
        builder.SetService(Service("web", "shop", Vip.Address));
        for (var i = 0; i < Services; i++)
        {
            builder.SetService(Service($"app-{i}", $"team-{i / 10}", new IPAddress([10, 97, (byte)(i >> 8), (byte)i])));
        }

        for (var i = 0; i < Workloads; i++)
        {
            builder.SetWorkload(Pod(i));
        }

        for (var i = 0; i < Policies; i++)
        {
            builder.SetPolicy(Policy(i));
        }

        _mesh = builder.ToSnapshot();
        _source = _mesh.FindWorkload("pod-1")!;
        _changing = _mesh.FindWorkload("pod-2")!;
        _oneEjected = Ejected(1);
        _manyEjected = Ejected(Math.Min(Endpoints - 1, EndpointFailures.MaxEjected));
        _input = new PolicyInput(
            new IPEndPoint(AddressOf(1), 41_234), new IPEndPoint(AddressOf(2), 8080), new SpiffeId("cluster.local", "shop", "sa-7"));
    }

    /// <summary>Where a connection to a pod's address goes.</summary>
    [Benchmark]
    public object RouteToAddress() => _router.Route(_mesh, _source, PodAddress, _source.Addresses[0]);

    /// <summary>Where a connection to a service's address goes, an endpoint chosen.</summary>
    [Benchmark]
    public object RouteToService() => _router.Route(_mesh, _source, Vip, _source.Addresses[0]);

    /// <summary>The same while one endpoint is passed over.</summary>
    [Benchmark]
    public object RouteWithOneEjected() => _router.Route(_mesh, _source, Vip, _source.Addresses[0], _oneEjected);

    /// <summary>The same while all but one are, or as many as there may be.</summary>
    [Benchmark]
    public object RouteWithManyEjected() => _router.Route(_mesh, _source, Vip, _source.Addresses[0], _manyEjected);

    /// <summary>The same choice by a walk over all endpoints, which is what services of the local file still take.</summary>
    [Benchmark]
    public object? ChooseByWalk()
    {
        var service = _mesh.FindServiceByVip(new NetworkAddress("", Vip.Address), null)! with { Groups = null };
        return EndpointSelection.Choose(_mesh, _source, service, 80, ResolutionMode.Standard, Random.Shared);
    }

    /// <summary>Whether a connection to a pod is allowed by the policies of its namespace, 20 of the 2,000.</summary>
    [Benchmark]
    public bool JudgeInbound() => PolicyEngine.Evaluate(_mesh.PolicySetFor(_source), in _input).Allowed;

    /// <summary>A next snapshot in which one endpoint of the service has changed.</summary>
    [Benchmark]
    public object ChangeEndpoint()
    {
        var builder = _mesh.ToBuilder();
        builder.SetWorkload(_changing);
        return builder.ToSnapshot();
    }

    private static PassedOver Ejected(int count) => new(new EjectedEndpoints(
    [
        .. Enumerable.Range(0, count).Select(i => new EndpointKey($"pod-{i}", new IPEndPoint(AddressOf(i), 8080))),
    ]));

    private static IPAddress AddressOf(int index) =>
        new([10, (byte)(100 + (index >> 16)), (byte)(index >> 8), (byte)index]);

    private static Service Service(string name, string ns, IPAddress vip) => new()
    {
        Name = name,
        Namespace = ns,
        Hostname = $"{name}.{ns}.svc.cluster.local",
        Ports = Ports,
        Vips = [new NetworkAddress("", vip)],
        LoadBalancer = new LoadBalancer(
            [LoadBalancerScope.Network, LoadBalancerScope.Region, LoadBalancerScope.Zone],
            LoadBalancerMode.Failover,
            HealthPolicy.OnlyHealthy),
    };

    private Workload Pod(int index)
    {
        var isOfService = index < Endpoints;
        var service = isOfService ? ("web", "shop") : ($"app-{index % Services}", $"team-{index % Services / 10}");
        return new Workload
        {
            Uid = $"pod-{index}",
            Name = $"pod-{index}",
            Namespace = "shop",
            ServiceAccount = "default",
            TrustDomain = "cluster.local",
            Protocol = TunnelProtocol.Hbone,
            Addresses = [AddressOf(index)],
            Node = $"node-{index % 1_000}",
            Locality = new Locality("region", $"zone-{index % 3}", ""),
            Services = ImmutableDictionary<NamespacedHostname, ImmutableSortedDictionary<ushort, ushort>>.Empty.Add(
                new NamespacedHostname(service.Item2, $"{service.Item1}.{service.Item2}.svc.cluster.local"), Ports),
        };
    }

    private static Authorization Policy(int index)
    {
        var match = new PolicyMatch
        {
            Principals = [new StringMatch(StringMatchKind.Exact, $"cluster.local/ns/shop/sa/sa-{index}")],
        };
        var ns = index % 100 == 0 ? "shop" : $"team-{index / 10}";
        return new(
            $"policy-{index}", ns, PolicyScope.Namespace, PolicyAction.Deny, [new([new([match])])], DryRun: false);
    }
}
