using System.Net;
using Ztunnel.Mesh;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh;

/// <summary>Workloads, services and what links them: control-plane 9.3.</summary>
public sealed class MeshSnapshotTests
{
    private static readonly Service Web = Service("web.example.com", "80:8080", "10.0.1.1");
    private static readonly NetworkAddress WebVip = At("10.0.1.1");

    [Fact]
    public void S3_O25_Lookup_ByAddressAndName_FindsWorkloadsAndServices()
    {
        var pod = Pod("a", "10.0.0.1");
        var external = Pod("external") with { Hostname = "external.example.com" };
        var snapshot = Empty.With(pod, external, Web);

        Assert.Same(pod, snapshot.FindAddress(At("10.0.0.1"), null).Workload);
        Assert.Equal(Web.Hostname, snapshot.FindAddress(WebVip, null).Service?.Hostname);
        Assert.Equal(Web.Hostname, snapshot.FindHostname(Web.NamespacedHostname).Service?.Hostname);
        Assert.Same(external, snapshot.FindHostname(new("ns1", "external.example.com")).Workload);
        Assert.Equal(default, snapshot.FindAddress(At("10.0.0.9"), null));
        Assert.Equal(default, snapshot.FindAddress(At("10.0.0.1", network: "other"), null));
        Assert.Equal(default, snapshot.FindHostname(new("ns2", Web.Hostname)));
    }

    [Fact]
    public void Lookup_AddressOfBoth_DependsOnPurpose()
    {
        var pod = Pod("a", "10.0.1.1");
        var snapshot = Empty.With(pod, Web);

        Assert.Same(pod, snapshot.FindAddress(WebVip, null).Workload);
        Assert.Equal(Web.Hostname, snapshot.FindUpstream(WebVip, null).Service?.Hostname);
        Assert.Null(snapshot.FindUpstream(WebVip, null).Workload);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void S9_Linkage_WorkloadBeforeOrAfterService_SameEndpoints(bool workloadFirst)
    {
        var pod = Pod("a", "10.0.0.1").EndpointOf(Web, "80:9090");

        var snapshot = workloadFirst ? Empty.With(pod).With(Web) : Empty.With(Web).With(pod);

        var (uid, endpoint) = Assert.Single(snapshot.FindService(Web.NamespacedHostname)!.Endpoints);
        Assert.Equal(pod.Uid, uid);
        Assert.Equal(new ServiceEndpoint(pod.Uid, endpoint.Ports, WorkloadStatus.Healthy), endpoint);
        Assert.Equal(9090, endpoint.Ports[80]);
        Assert.Empty(snapshot.StagedEndpoints);
    }

    [Fact]
    public void S9_Service_Replaced_KeepsEndpointsAndMovesVips()
    {
        var pod = Pod("a", "10.0.0.1").EndpointOf(Web, "80:9090");
        var moved = Web with { Vips = [At("10.0.1.1"), At("10.0.1.2")] };
        var shrunk = Web with { Vips = [At("10.0.1.2")] };

        var snapshot = Empty.With(pod, Web).With(moved);
        Assert.Same(snapshot.FindServiceByVip(At("10.0.1.2"), null), snapshot.FindServiceByVip(WebVip, null));
        Assert.Same(snapshot.FindServiceByHostname(Web.Hostname, null), snapshot.FindServiceByVip(WebVip, null));

        snapshot = snapshot.With(shrunk);
        Assert.Null(snapshot.FindServiceByVip(WebVip, null));
        Assert.Single(snapshot.FindServiceByVip(At("10.0.1.2"), null)!.Endpoints);

        snapshot = snapshot.Without(shrunk);
        Assert.Null(snapshot.FindServiceByVip(At("10.0.1.2"), null));
        Assert.Null(snapshot.FindServiceByHostname(Web.Hostname, null));
    }

    [Fact]
    public void S10_Remove_Unknown_ChangesNothing()
    {
        var pod = Pod("a", "10.0.0.1").EndpointOf(Web, "80:9090");
        var snapshot = Empty.With(pod, Web);

        var after = snapshot.Without(Pod("other"), Service("invalid", ""), Policies.Global("none"));

        Assert.Same(pod, Assert.Single(after.Workloads));
        Assert.Single(Assert.Single(after.Services).Endpoints);
    }

    [Fact]
    public void S11_Workload_LosesService_LosesEndpoint()
    {
        var pod = Pod("a", "10.0.0.1").EndpointOf(Web, "80:9090");

        var snapshot = Empty.With(pod, Web).With(pod with { Services = [] });

        Assert.Empty(snapshot.FindService(Web.NamespacedHostname)!.Endpoints);
    }

    [Fact]
    public void S11_S13_Workload_BecomesUnhealthy_EndpointIsKeptWithItsHealth()
    {
        var pod = Pod("a", "10.0.0.1").EndpointOf(Web, "80:9090");

        var snapshot = Empty.With(pod, Web).With(pod with { Status = WorkloadStatus.Unhealthy });

        var endpoint = Assert.Single(snapshot.FindService(Web.NamespacedHostname)!.Endpoints).Value;
        Assert.Equal(WorkloadStatus.Unhealthy, endpoint.Status);
    }

    [Fact]
    public void S12_SharedAddress_PodAndHboneWinThenTheLatest()
    {
        var entry = Pod("vm", "10.0.0.1") with { Uid = "cluster1/vm" };
        var entryHbone = (entry with { Uid = "cluster1/vm-hbone" }).Hbone();
        var pod = Pod("pod", "10.0.0.1");
        var later = Pod("later", "10.0.0.1");
        var hbone = Pod("hbone", "10.0.0.1").Hbone();
        var snapshot = Empty.With(hbone, later, pod, entryHbone, entry);

        foreach (var winner in new[] { hbone, pod, later, entryHbone, entry })
        {
            Assert.Same(winner, snapshot.FindWorkload(At("10.0.0.1")));
            snapshot = snapshot.Without(winner);
        }

        Assert.Null(snapshot.FindWorkload(At("10.0.0.1")));
    }

    [Fact]
    public void S12_SharedAddress_Reinserted_IsThereOnce()
    {
        var pod = Pod("pod", "10.0.0.1", "10.0.0.1");
        var other = Pod("other", "10.0.0.1");

        var snapshot = Empty.With(pod, pod, other, pod, pod).Without(pod);

        Assert.Same(other, snapshot.FindWorkload(At("10.0.0.1")));
        Assert.Equal(default, snapshot.Without(other).FindAddress(At("10.0.0.1"), null));
    }

    [Fact]
    public void HostNetworkWorkload_IsNotFoundByAddress()
    {
        var pod = Pod("a", "10.0.0.1") with { NetworkMode = NetworkMode.HostNetwork };

        Assert.Null(Empty.With(pod).FindWorkload(At("10.0.0.1")));
    }

    [Fact]
    public void S13_HealthPolicy_SwitchedOffAndOn_RestoresEndpoints()
    {
        // The reference drops unhealthy endpoints for good; control-plane 10.2.13.
        var pod = Pod("a", "10.0.0.1").EndpointOf(Web, "80:9090") with { Status = WorkloadStatus.Unhealthy };
        var allowing = Web.AllowingUnhealthy();

        var snapshot = Empty.With(pod, allowing).With(Web).With(allowing);

        Assert.Single(snapshot.FindService(Web.NamespacedHostname)!.Endpoints);
    }

    [Fact]
    public void S14_Staged_WorkloadLeaves_StagesNothing()
    {
        var pod = Pod("a", "10.0.0.1").EndpointOf(Web, "80:9090");
        var staged = Empty.With(pod);

        Assert.Equal(Web.NamespacedHostname, Assert.Single(staged.StagedEndpoints).Key);
        Assert.Empty(staged.With(pod with { Services = [] }).StagedEndpoints);
        Assert.Empty(staged.Without(pod).StagedEndpoints);
    }

    [Fact]
    public void S18_Staged_LastEndpointRemoved_DropsTheService()
    {
        var (a, b) = (Pod("a", "10.0.0.1").EndpointOf(Web, "80:1"), Pod("b", "10.0.0.2").EndpointOf(Web, "80:1"));
        var staged = Empty.With(a, b);

        Assert.Equal(b.Uid, Assert.Single(Assert.Single(staged.Without(a).StagedEndpoints).Value).Key);
        Assert.Empty(staged.Without(a, b).StagedEndpoints);
        Assert.Empty(staged.Without(a, b).Without(a, b).StagedEndpoints);
        Assert.Empty(Empty.Without(a).StagedEndpoints);
    }

    [Fact]
    public void Service_RemovedAndAddedAgain_HasItsEndpoints()
    {
        // The reference forgets them until the workloads are pushed again; control-plane 10.2.13.
        var pod = Pod("a", "10.0.0.1").EndpointOf(Web, "80:9090");

        var snapshot = Empty.With(pod, Web).Without(Web).With(Web);

        Assert.Single(snapshot.FindService(Web.NamespacedHostname)!.Endpoints);
    }

    [Fact]
    public void S19_Workload_RemovedAndAddedInOneChange_EndsAsTheLast()
    {
        var pod = Pod("a", "10.0.0.1").EndpointOf(Web, "80:9090");
        var builder = Empty.With(pod, Web).ToBuilder();
        builder.RemoveWorkload(pod.Uid);
        builder.SetWorkload(pod.EndpointOf(Web, "80:7070"));

        var endpoint = Assert.Single(builder.ToSnapshot().FindService(Web.NamespacedHostname)!.Endpoints).Value;

        Assert.Equal(7070, endpoint.Ports[80]);
    }

    [Fact]
    public void DeclaredEndpoints_JoinThoseOfWorkloads()
    {
        var declared = new ServiceEndpoint("uid", Ports("80:1"), WorkloadStatus.Healthy);
        var declaring = Web with { Endpoints = Web.Endpoints.SetItem("uid", declared) };
        var pod = Pod("a", "10.0.0.1").EndpointOf(Web, "80:9090");

        var snapshot = Empty.With(declaring, pod);

        Assert.Equal(2, snapshot.FindService(Web.NamespacedHostname)!.Endpoints.Count);
        Assert.Single(snapshot.Without(pod).FindService(Web.NamespacedHostname)!.Endpoints);
    }

    [Fact]
    public void Snapshot_AfterChange_StaysAsItWas()
    {
        var pod = Pod("a", "10.0.0.1").EndpointOf(Web, "80:9090");
        var before = Empty.With(pod, Web);

        _ = before.Without(pod, Web);

        Assert.Same(pod, before.FindWorkload(At("10.0.0.1")));
        Assert.Single(before.FindServiceByVip(WebVip, null)!.Endpoints);
    }

    [Fact]
    public void LocalWorkload_NodeConfigured_OnlyOnThatNode()
    {
        var here = Pod("here", "10.0.0.1") with { Node = "n1" };
        var elsewhere = Pod("elsewhere", "10.0.0.2") with { Node = "n2" };

        var onNode = MeshSnapshot.Empty("n1").With(here, elsewhere);
        var anywhere = Empty.With(here, elsewhere);

        Assert.Same(here, onNode.FindLocalWorkload(new("here", "ns1", "here")));
        Assert.Null(onNode.FindLocalWorkload(new("elsewhere", "ns1", "elsewhere")));
        Assert.Same(elsewhere, anywhere.FindLocalWorkload(new("elsewhere", "ns1", "elsewhere")));
        Assert.Null(anywhere.FindLocalWorkload(new("elsewhere", "ns1", "other-account")));
        Assert.Null(anywhere.FindLocalWorkload(new("elsewhere", "ns2", "elsewhere")));
    }

    /// <summary>Any history of changes ends in the view that its survivors alone give.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void RandomChanges_LeaveNoTrace(int seed)
    {
        var random = new Random(seed);
        OrderedDictionary<string, Workload> workloads = [];
        Dictionary<NamespacedHostname, Service> services = [];
        var snapshot = Empty;
        for (var step = 0; step < 400; step++)
        {
            var builder = snapshot.ToBuilder();
            for (var change = random.Next(1, 5); change > 0; change--)
            {
                var service = RandomService(random);
                var workload = RandomWorkload(random);
                switch (random.Next(6))
                {
                    case 0:
                        builder.RemoveService(service.NamespacedHostname);
                        services.Remove(service.NamespacedHostname);
                        break;
                    case 1:
                        builder.RemoveWorkload(workload.Uid);
                        workloads.Remove(workload.Uid);
                        break;
                    case 2 or 3:
                        builder.SetService(service);
                        services[service.NamespacedHostname] = service;
                        break;
                    default:
                        builder.SetWorkload(workload);
                        workloads.Remove(workload.Uid); // the latest wins an address, so its place is now the last
                        workloads.Add(workload.Uid, workload);
                        break;
                }
            }

            snapshot = builder.ToSnapshot();
        }

        // Services first: what comes last must not depend on it.
        var fresh = Empty.With([.. services.Values]).With([.. workloads.Values]);

        Assert.Equal(View(fresh), View(snapshot));
    }

    private static Service RandomService(Random random) =>
        Service($"s{random.Next(6)}.example.com", "80:8080") with
        {
            Vips = [.. Enumerable.Range(0, random.Next(3)).Select(_ => At($"10.1.0.{random.Next(4)}"))],
            CidrVips = random.Next(3) == 0 ? [new("", IPNetwork.Parse($"10.{random.Next(2, 4)}.0.0/16"))] : [],
        };

    private static Workload RandomWorkload(Random random)
    {
        var workload = Pod($"w{random.Next(12)}", $"10.0.0.{random.Next(8)}");
        return Enumerable.Range(0, random.Next(3))
            .Aggregate(workload, (w, _) => w.EndpointOf(Service($"s{random.Next(6)}.example.com", ""), "80:9090"));
    }

    private static List<string> View(MeshSnapshot snapshot)
    {
        List<string> view = [.. snapshot.Workloads.Select(
            w => $"{w.Uid} {w.Addresses[0]} {string.Join(',', w.Services.Keys.Order(Names))}").Order()];
        view.AddRange(snapshot.Services.OrderBy(s => s.Hostname).Select(
            s => $"{s.Hostname} {string.Join(',', s.Vips)} {string.Join(',', s.Endpoints.Keys.Order())}"));
        view.AddRange(snapshot.StagedEndpoints.OrderBy(s => s.Key, Names).Select(
            s => $"{s.Key} {string.Join(',', s.Value.Keys.Order())}"));
        for (var i = 0; i < 8; i++)
        {
            view.Add($"address {i}: {snapshot.FindWorkload(At($"10.0.0.{i}"))?.Uid}");
            view.Add($"vip {i}: {snapshot.FindServiceByVip(At($"10.1.0.{i}"), "ns1") is not null}");
            view.Add($"range {i}: {snapshot.FindServiceByVip(At($"10.{i}.9.9"), "ns1") is not null}");
        }

        return view;
    }

    private static Comparer<NamespacedHostname> Names { get; } = Comparer<NamespacedHostname>.Create(
        (x, y) => string.CompareOrdinal(x.ToString(), y.ToString()));
}
