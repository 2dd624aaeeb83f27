using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>Choosing by groups against the walk over all endpoints, which the local file's services still take.</summary>
public sealed class GroupSelectionTests
{
    private static readonly LoadBalancerScope[] Scopes = Enum.GetValues<LoadBalancerScope>();

    [Fact]
    public void AnyMesh_SameEndpointsAsTheWalk()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var service = RandomService(random);
            var snapshot = Empty.With(service);
            for (var change = 0; change < 12; change++)
            {
                var pod = RandomPod(random, service);
                snapshot = random.Next(4) == 0 ? snapshot.Without(pod) : snapshot.With(pod);
            }

            if (random.Next(3) == 0)
            {
                snapshot = snapshot.With(service = RandomService(random)); // other preferences, the same endpoints
            }

            var known = snapshot.FindService(service.NamespacedHostname)!;
            Assert.NotNull(known.Groups);
            foreach (var mode in Enum.GetValues<ResolutionMode>())
            {
                Assert.Equal(
                    Chosen(snapshot, known with { Groups = null }, mode, seed), Chosen(snapshot, known, mode, seed));
            }
        }
    }

    [Fact]
    public void ManyEndpoints_EachIsChosen_InProportionToItsCapacity()
    {
        var service = Service("web.example.com", "80:8080");
        var pods = Enumerable.Range(0, 100).Select(i =>
            Pod($"p{i}", "10.0.0.2").EndpointOf(service, "") with { Capacity = i < 50 ? 1u : 3u });
        var snapshot = Empty.With(service).With([.. pods]);
        var known = snapshot.FindService(service.NamespacedHostname)!;
        var random = new Random(3);

        var counts = Enumerable.Range(0, 40_000)
            .Select(_ => EndpointSelection.Choose(
                snapshot, Pod("source"), known, 80, ResolutionMode.Standard, random)!.Value.Workload)
            .CountBy(pod => pod)
            .ToDictionary();

        Assert.Equal(100, counts.Count);
        Assert.All(counts, count => Assert.InRange(
            count.Value, (int)count.Key.Capacity * 120, (int)count.Key.Capacity * 280));
    }

    private static Service RandomService(Random random) =>
        Service("web.example.com", random.Next(2) == 0 ? "80:8080" : "80:0") with
        {
            LoadBalancer = random.Next(4) == 0 ? null : new(
                [.. random.GetItems(Scopes, random.Next(4)).Distinct()],
                random.GetItems(
                    [LoadBalancerMode.Standard, LoadBalancerMode.Strict, LoadBalancerMode.Failover], 1)[0],
                random.GetItems([HealthPolicy.OnlyHealthy, HealthPolicy.AllowAll], 1)[0]),
        };

    private static Workload RandomPod(Random random, Service service) =>
        Pod($"p{random.Next(6)}", random.Next(6) == 0 ? [] : ["10.0.0.2"]).EndpointOf(
            service, random.GetItems(["", "80:9090", "81:1"], 1)[0]) with
        {
            Node = Either(random, "local", "other"),
            ClusterId = Either(random, "cluster1", "cluster2"),
            Network = Either(random, "n1", "n2"),
            Locality = new(Either(random, "r1", "r2"), Either(random, "z1", "z2"), ""),
            Capacity = (uint)random.Next(3),
            Status = random.Next(4) == 0 ? WorkloadStatus.Unhealthy : WorkloadStatus.Healthy,
            NetworkGateway = random.Next(3) == 0 ? GatewayAt("10.0.9.1") : null,
            ApplicationTunnel = random.Next(4) == 0 ? new(ApplicationTunnelProtocol.Proxy, 15088) : null,
        };

    private static string Either(Random random, string one, string other) => random.Next(2) == 0 ? one : other;

    private static string Chosen(MeshSnapshot snapshot, Service service, ResolutionMode mode, int seed)
    {
        var source = Pod("source", "10.0.0.1") with { Network = "n1", Locality = new("r1", "z1", "") };
        var random = new Random(seed);
        return string.Join(' ', Enumerable.Range(0, 200)
            .Select(_ => EndpointSelection.Choose(snapshot, source, service, 80, mode, random))
            .Select(choice => choice is { } chosen ? $"{chosen.Workload.Name}:{chosen.TargetPort}" : "nobody")
            .Distinct()
            .Order());
    }
}
