using System.Net;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using Ztunnel.Telemetry;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>Selection without endpoints that are ejected or were tried, among groups and by the walk over all.</summary>
public sealed class PassedOverTests
{
    private static readonly Service Web = Service("web.example.com", "80:8080", "10.0.1.1", "fd00:1::1");
    private static readonly Workload Source = Pod("source", "10.0.0.1", "fd00::1");
    private static readonly Workload A = Pod("a", "10.0.0.2", "fd00::2").EndpointOf(Web, "");
    private static readonly Workload B = Pod("b", "10.0.0.3", "fd00::3").EndpointOf(Web, "");
    private static readonly Workload C = Pod("c", "10.0.0.4", "fd00::4").EndpointOf(Web, "");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ejected_IsNotChosen_AndTheOthersShareItsPart(bool walk)
    {
        var counts = Counts(walk, Web, new PassedOver(Ejected(A)), A, B, C with { Capacity = 3 });

        Assert.DoesNotContain("a", counts.Keys);
        Assert.InRange(counts["b"], 850, 1150); // of 4000; the standard deviation is 27
        Assert.Equal(4000, counts["b"] + counts["c"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ManyEjected_EachOfTheOthersIsChosenAlike(bool walk)
    {
        Workload[] pods = [.. Enumerable.Range(0, 40).Select(i => Pod($"p{i}", $"10.0.2.{i + 1}").EndpointOf(Web, ""))];

        var counts = Counts(walk, Web, new PassedOver(Ejected(pods[..36])), pods);

        Assert.Equal(["p36", "p37", "p38", "p39"], counts.Keys.Order());
        Assert.All(counts.Values, count => Assert.InRange(count, 850, 1150));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AllEjected_AreAllUsed(bool walk) =>
        Assert.Equal(["a", "b"], Counts(walk, Web, new PassedOver(Ejected(A, B)), A, B).Keys.Order());

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Tried_IsNeverChosen_RatherSomebodyEjected(bool walk)
    {
        var tried = new PassedOver(Ejected(B)) { Tried = [Key(A)] };

        Assert.Equal(["b"], Counts(walk, Web, tried, A, B).Keys);
        Assert.Empty(Counts(walk, Web, tried with { Tried = [Key(A), Key(B)] }, A, B));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void NearestEjected_TheNextRankHasItsTurn(bool walk)
    {
        var failover = Web.Balanced(LoadBalancerMode.Failover, LoadBalancerScope.Zone);
        var far = B with { Locality = new("r", "elsewhere", "") };

        Assert.Equal(["a"], Counts(walk, failover, default, A, far).Keys);
        Assert.Equal(["b"], Counts(walk, failover, new PassedOver(Ejected(A)), A, far).Keys);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void NodeLocalEjected_AnotherNodeHasItsTurn(bool walk)
    {
        var failover = Web.Balanced(LoadBalancerMode.Failover, LoadBalancerScope.Node);
        var far = B with { Node = "other" };

        Assert.Equal(["a"], Counts(walk, failover, default, A, far).Keys);
        Assert.Equal(["b"], Counts(walk, failover, new PassedOver(Ejected(A)), A, far).Keys);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Strict_NobodyElseStandsIn(bool walk)
    {
        var strict = Web.Balanced(LoadBalancerMode.Strict, LoadBalancerScope.Node);
        var far = B with { Node = "other" };

        Assert.Equal(["a"], Counts(walk, strict, new PassedOver(Ejected(A)), A, far).Keys);
        Assert.Empty(Counts(walk, strict, default(PassedOver) with { Tried = [Key(A)] }, A, far));
    }

    [Fact]
    public void Candidates_CountThoseThatArePassedOver()
    {
        var snapshot = Empty.With(Web, A, B, C);
        for (var i = 0; i < 50; i++)
        {
            var route = Route(snapshot, "10.0.1.1:80", new PassedOver(Ejected(A)) { Tried = [Key(B)] });

            Assert.Equal(new ChosenEndpoint(Key(C), Candidates: 3, Serves: true), route.Chosen);
        }
    }

    [Fact]
    public void OtherPortOrAddress_IsAnotherEndpoint()
    {
        var port = new PassedOver(new EjectedEndpoints([Key(A) with { Address = new(A.Addresses[0], 9090) }]));
        var address = new PassedOver(new EjectedEndpoints([new(A.Uid, IPEndPoint.Parse("10.9.9.9:8080"))]));

        Assert.Equal(["a", "b"], Counts(false, Web, port, A, B).Keys.Order());
        Assert.Equal(["a", "b"], Counts(false, Web, address, A, B).Keys.Order());
    }

    [Theory]
    [InlineData("10.0.1.1:80")]
    [InlineData("[fd00:1::1]:80")]
    public void EjectedAtOneFamily_IsPassedOverInBoth(string target)
    {
        var snapshot = Empty.With(Web, A, B);
        for (var i = 0; i < 50; i++)
        {
            Assert.Same(snapshot.FindWorkload(B.Uid), Route(snapshot, target, new(Ejected(A))).DestinationWorkload);
        }
    }

    [Fact]
    public void NoChoice_NothingIsNamed()
    {
        Assert.Null(Route(Empty.With(Web, A), "10.0.1.1:80").Chosen);
        Assert.Null(Route(Empty.With(Web, A, B), "10.0.0.2:8080").Chosen);
        Assert.Null(Route(Empty.With(Web, A, B), "10.7.7.7:80").Chosen);
        var passthrough = Web.Balanced(LoadBalancerMode.Passthrough);
        Assert.Null(Route(Empty.With(passthrough, A, B), "10.0.1.1:80").Chosen);
    }

    [Fact]
    public void PodByItsAddress_IsDialledThoughItIsEjected() => Assert.Equal(
        "10.0.0.2:8080", Route(Empty.With(Web, A, B), "10.0.0.2:8080", new(Ejected(A))).Dial.ToString());

    [Fact]
    public void WeightedWaypoints_AreSampledAgain()
    {
        var first = Pod("first", "10.0.2.1").Hbone();
        var second = Pod("second", "10.0.2.2").Hbone();
        var service = Web with
        {
            WeightedWaypoints = [new(GatewayAt("10.0.2.1"), 90), new(GatewayAt("10.0.2.2"), 10)],
        };
        var snapshot = Empty.With(service, first, second);
        var key = new EndpointKey(first.Uid, IPEndPoint.Parse("10.0.2.1:15008"));
        var passed = new PassedOver(new EjectedEndpoints([key]));

        var seconds = Enumerable.Range(0, 1000).Count(_ =>
            Route(snapshot, "10.0.1.1:80", passed).DestinationWorkload!.Name == "second");

        Assert.InRange(seconds, 930, 995); // 32 samples do not find the tenth 34 times of 1000
        Assert.Equal(
            new ChosenEndpoint(key, Candidates: 2, Serves: false),
            Routes(snapshot, default).First(route => route.DestinationWorkload!.Name == "first").Chosen);
        var tried = default(PassedOver) with { Tried = [key] };
        Assert.DoesNotContain(Routes(snapshot, tried), route => route.DestinationWorkload!.Name == "first");
    }

    [Fact]
    public void O21_WeightedWaypointThatIsNotThere_IsRefusedThoughSomebodyIsEjected()
    {
        var service = Web with
        {
            WeightedWaypoints =
                [new(GatewayNamed("ns1", "gone.example.com"), 1), new(GatewayAt("10.0.2.1"), 1)],
        };
        var snapshot = Empty.With(service, Pod("first", "10.0.2.1").Hbone());

        var refused = Enumerable.Range(0, 100).Count(_ =>
        {
            try
            {
                Route(snapshot, "10.0.1.1:80", new(Ejected(A)));
                return false;
            }
            catch (ProxyException)
            {
                return true;
            }
        });

        Assert.InRange(refused, 25, 75);
    }

    private static IEnumerable<OutboundRoute> Routes(MeshSnapshot snapshot, PassedOver passed)
    {
        for (var i = 0; i < 100; i++)
        {
            OutboundRoute? route = null;
            try
            {
                route = Route(snapshot, "10.0.1.1:80", passed);
            }
            catch (ProxyException)
            {
                // All samples in vain.
            }

            if (route is not null)
            {
                yield return route;
            }
        }
    }

    private static OutboundRoute Route(MeshSnapshot snapshot, string target, PassedOver passed = default) =>
        new OutboundRouter("", Random.Shared).Route(
            snapshot, Source, IPEndPoint.Parse(target), Source.Addresses[0], passed);

    private static Dictionary<string, int> Counts(
        bool walk, Service service, PassedOver passed, params Workload[] workloads)
    {
        var snapshot = Empty.With(service).With([.. workloads]);
        var known = snapshot.FindService(service.NamespacedHostname)!;
        Assert.NotNull(known.Groups);
        known = walk ? known with { Groups = null } : known;
        var random = new Random(11);
        return Enumerable.Range(0, 4000)
            .Select(_ => EndpointSelection.Choose(
                snapshot, Source, known, 80, ResolutionMode.Standard, random, passed))
            .Where(choice => choice is not null)
            .CountBy(choice => choice!.Value.Workload.Name)
            .ToDictionary();
    }

    private static EjectedEndpoints Ejected(params Workload[] workloads) => new([.. workloads.Select(Key)]);

    private static EndpointKey Key(Workload workload) => new(workload.Uid, new IPEndPoint(workload.Addresses[0], 8080));
}
