using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>Control-plane 3.4 and 3.5.</summary>
public sealed class EndpointSelectionTests
{
    private static readonly LoadBalancerScope[] NetworkRegionZone =
        [LoadBalancerScope.Network, LoadBalancerScope.Region, LoadBalancerScope.Zone];

    private static readonly Service Web = Service("web.example.com", "80:8080", "10.0.1.1");

    private static readonly Workload Source = Pod("source", "10.0.0.1") with
    {
        Locality = new("r1", "z1", ""),
        Network = "n1",
    };

    [Theory]
    [InlineData("80:9090", 9090)]
    [InlineData("", 8080)]
    [InlineData("81:9090", 8080)]
    [InlineData("80:0", 8080)]
    public void S4_O22_Port_EndpointBeatsService(string endpointPorts, int expected)
    {
        var pod = Pod("a", "10.0.0.2").EndpointOf(Web, endpointPorts);

        Assert.Equal((ushort)expected, Choose(Web, ResolutionMode.Standard, pod)?.TargetPort);
    }

    [Theory]
    [InlineData(nameof(ResolutionMode.Waypoint), 15088, 80)]
    [InlineData(nameof(ResolutionMode.Waypoint), null, null)]
    [InlineData(nameof(ResolutionMode.Standard), 15088, null)]
    public void S4_O22_Port_UndefinedWithApplicationTunnel_IsKept(string modeName, int? tunnelPort, int? expected)
    {
        var mode = Enum.Parse<ResolutionMode>(modeName);
        var portless = Service("waypoint.example.com", "");
        var pod = Pod("a", "10.0.0.2").EndpointOf(portless, "") with
        {
            ApplicationTunnel = new(ApplicationTunnelProtocol.Proxy, (ushort?)tunnelPort),
        };

        Assert.Equal((ushort?)expected, Choose(portless, mode, pod)?.TargetPort);
    }

    [Fact]
    public void Port_NotOfTheService_NobodyIsChosen()
    {
        var pod = Pod("a", "10.0.0.2").EndpointOf(Web, "81:9090");

        Assert.Null(EndpointSelection.Choose(
            Empty.With(Web, pod), Source, Web, 81, ResolutionMode.Standard, AnyRandom));
    }

    [Fact]
    public void O14_NamedPort_OnlyPodsThatMapIt()
    {
        var named = Service("named.example.com", "80:0");
        var mapping = Pod("mapping", "10.0.0.2").EndpointOf(named, "80:1234");
        var other = Pod("other", "10.0.0.3").EndpointOf(named, "");

        Assert.All(Draw(named, mapping, other), choice => Assert.Equal((mapping, 1234), choice));
    }

    [Fact]
    public void S5_O23_Strict_OnlyFullMatches()
    {
        var strict = Web.Balanced(LoadBalancerMode.Strict, NetworkRegionZone);
        var full = InLocality("full", "n1", "r1", "z1");
        Workload[] others = [InLocality("zone", "n1", "r1", "z2"), InLocality("network", "n2", "r1", "z1")];

        Assert.Empty(Names(strict, others));
        Assert.Equal(["full"], Names(strict, [full, .. others]));
    }

    [Theory]
    [InlineData("network+region+zone", "network+region+zone", "network+region", "network", "region+zone", "nothing")]
    [InlineData("network+region network+region2", "network+region", "network+region2", "network", "region+zone")]
    [InlineData("network", "network", "region+zone", "region", "zone")]
    [InlineData("region+zone region+zone2", "region+zone", "region+zone2", "region", "zone", "nothing")]
    [InlineData("region", "region", "zone", "nothing")]
    [InlineData("nothing zone", "zone", "nothing")]
    public void S6_O23_Failover_NetworkFirst_DeepestMatchWins(string expected, params string[] matching)
    {
        var failover = Web.Balanced(LoadBalancerMode.Failover, NetworkRegionZone);
        var workloads = matching.Select(name => InLocality(
            name,
            name.Contains("network", StringComparison.Ordinal) ? "n1" : "n2",
            name.Contains("region", StringComparison.Ordinal) ? "r1" : "r2",
            name.Contains("zone", StringComparison.Ordinal) ? "z1" : "z2"));

        Assert.Equal(expected.Split(' '), Names(failover, [.. workloads]));
    }

    [Theory]
    [InlineData(nameof(LoadBalancerScope.Region))]
    [InlineData(nameof(LoadBalancerScope.Zone))]
    [InlineData(nameof(LoadBalancerScope.Subzone))]
    [InlineData(nameof(LoadBalancerScope.Node))]
    [InlineData(nameof(LoadBalancerScope.Cluster))]
    [InlineData(nameof(LoadBalancerScope.Network))]
    public void O23_EveryScope_DecidesAlone(string scopeName)
    {
        var scope = Enum.Parse<LoadBalancerScope>(scopeName);
        var same = Source with { Uid = "same", Name = "same" };
        var others = new Dictionary<LoadBalancerScope, Workload>
        {
            [LoadBalancerScope.Region] = same with { Locality = same.Locality with { Region = "other" } },
            [LoadBalancerScope.Zone] = same with { Locality = same.Locality with { Zone = "other" } },
            [LoadBalancerScope.Subzone] = same with { Locality = same.Locality with { Subzone = "other" } },
            [LoadBalancerScope.Node] = same with { Node = "other" },
            [LoadBalancerScope.Cluster] = same with { ClusterId = "other" },
            [LoadBalancerScope.Network] = same with { Network = "other" },
        };
        var different = others[scope] with { Uid = "different", Name = "different" };

        Assert.Equal(["same"], Names(Web.Balanced(LoadBalancerMode.Failover, scope), same, different));
        Assert.Equal(["same"], Names(Web.Balanced(LoadBalancerMode.Strict, scope), same, different));
        Assert.Equal(["different", "same"], Names(Web.Balanced(LoadBalancerMode.Standard, scope), same, different));
    }

    [Fact]
    public void S7_O23_Endpoint_WithoutAddressOrWorkload_IsNeverChosen()
    {
        var bare = Pod("bare") with { Network = "n1", NetworkGateway = GatewayAt("10.0.9.1") };
        var gatewayless = Pod("gatewayless") with { Network = "n2" };
        var missing = Web with { Endpoints = Web.Endpoints.SetItem("ghost", new("ghost", Ports("80:80"), default)) };

        Assert.Empty(Names(missing, bare, gatewayless));
        Assert.Equal(["named"], Names(missing, bare, gatewayless, Pod("named") with { Hostname = "a.example.com" }));
        Assert.Equal(["bare"], Names(missing, bare with { Network = "n2" }));
    }

    [Fact]
    public void S13_S18_Unhealthy_OnlyWhereTheServiceAllows()
    {
        var unhealthy = Pod("a", "10.0.0.2") with { Status = WorkloadStatus.Unhealthy };

        Assert.Empty(Names(Web, unhealthy));
        Assert.Equal(["a"], Names(Web.AllowingUnhealthy(), unhealthy));
    }

    /// <summary>Whether the workload came before the service, and so waited for it, or after it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void S13_S18_Unhealthy_FollowsTheServiceAndIsRestored(bool staged)
    {
        var unhealthy = Attached(Web, Pod("a", "10.0.0.2") with { Status = WorkloadStatus.Unhealthy })[0];
        var allowing = Web.AllowingUnhealthy();

        var allowed = staged ? Empty.With(unhealthy).With(allowing) : Empty.With(allowing).With(unhealthy);
        var dropped = staged ? Empty.With(unhealthy).With(Web) : Empty.With(Web).With(unhealthy);

        Assert.True(IsChosen(allowed));
        Assert.False(IsChosen(dropped));
        Assert.False(IsChosen(allowed.With(Web)));
        // The reference has dropped it for good by now; control-plane 10.2.13.
        Assert.True(IsChosen(allowed.With(Web).With(allowing)));
    }

    [Fact]
    public void S11_Workload_BecomesUnhealthy_IsNotChosenUntilItRecovers()
    {
        var pod = Attached(Web, Pod("a", "10.0.0.2"))[0];
        var snapshot = Empty.With(Web, pod);
        var ill = snapshot.With(pod with { Status = WorkloadStatus.Unhealthy });

        Assert.True(IsChosen(snapshot));
        Assert.False(IsChosen(ill));
        Assert.True(IsChosen(ill.With(pod)));
    }

    [Fact]
    public void S19_Workload_RemovedAndAddedUnhealthy_IsNotChosen()
    {
        var pod = Attached(Web, Pod("a", "10.0.0.2"))[0];
        var builder = Empty.With(Web, pod).ToBuilder();
        builder.RemoveWorkload(pod.Uid);
        builder.SetWorkload(pod with { Status = WorkloadStatus.Unhealthy });

        Assert.False(IsChosen(builder.ToSnapshot()));
    }

    [Fact]
    public void Capacity_WeighsTheChoice()
    {
        var (one, three) = (Pod("one", "10.0.0.2"), Pod("three", "10.0.0.3") with { Capacity = 3 });
        var never = Pod("never", "10.0.0.4") with { Capacity = 0 };

        var choices = Draw(Web, Attached(Web, one, three, never))
            .CountBy(choice => choice.Workload.Name)
            .ToDictionary();

        Assert.Equal(2, choices.Count);
        Assert.InRange(choices["three"], 1400, 1600); // of 2000; the standard deviation is 19
    }

    [Fact]
    public void Capacity_Zero_LeavesTheTurnToTheNextRank()
    {
        var failover = Web.Balanced(LoadBalancerMode.Failover, LoadBalancerScope.Zone);
        var near = InLocality("near", "n1", "r1", "z1") with { Capacity = 0 };
        var far = InLocality("far", "n1", "r1", "z2");

        Assert.Equal(["far"], Names(failover, near, far));
        Assert.Empty(Names(failover, near));
    }

    private static Workload InLocality(string name, string network, string region, string zone) =>
        Pod(name, "10.0.0.2") with { Network = network, Locality = new(region, zone, "") };

    private static SelectedEndpoint? Choose(Service service, ResolutionMode mode, params ReadOnlySpan<object> workloads)
    {
        var snapshot = Empty.With(service).With(workloads);
        return EndpointSelection.Choose(
            snapshot, Source, snapshot.FindService(service.NamespacedHostname)!, 80, mode, AnyRandom);
    }

    private static bool IsChosen(MeshSnapshot snapshot) => EndpointSelection.Choose(
        snapshot, Source, snapshot.FindService(Web.NamespacedHostname)!, 80, ResolutionMode.Standard, AnyRandom) is not null;

    private static Workload[] Attached(Service service, params ReadOnlySpan<Workload> workloads)
    {
        var attached = workloads.ToArray();
        return [.. attached.Select(workload => workload.EndpointOf(service, ""))];
    }

    private static IEnumerable<(Workload Workload, int TargetPort)> Draw(Service service, params Workload[] workloads)
    {
        var snapshot = Empty.With(service).With([.. workloads]);
        var known = snapshot.FindService(service.NamespacedHostname)!;
        var random = new Random(7);
        for (var i = 0; i < 2000; i++)
        {
            if (EndpointSelection.Choose(snapshot, Source, known, 80, ResolutionMode.Standard, random) is { } choice)
            {
                yield return (choice.Workload, choice.TargetPort);
            }
        }
    }

    private static IEnumerable<string> Names(Service service, params Workload[] workloads) =>
        Draw(service, Attached(service, workloads)).Select(choice => choice.Workload.Name).Distinct().Order();
}
