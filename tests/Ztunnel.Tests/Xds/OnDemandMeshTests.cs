using System.Collections.Immutable;
using System.Net;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Maps;
using Ztunnel.Mesh.Routing;
using Ztunnel.Tests.Mesh;
using Ztunnel.Xds;
using static Ztunnel.Tests.Mesh.TestMesh;
using ManualTime = Ztunnel.Tests.Identity.ManualTime;

namespace Ztunnel.Tests.Xds;

/// <summary>Control-plane 2.6: what a connection asks for that finds something unknown, and how long it waits.</summary>
public sealed class OnDemandMeshTests : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);
    private static readonly Workload Server = Pod("server", "10.0.0.1").Hbone();
    private static readonly IPAddress ServerIp = IPAddress.Parse("10.0.0.1");

    private readonly ManualTime _time = new();
    private readonly MeshState _mesh = new(Empty, TimeProvider.System);
    private readonly DemandAnswers _controlPlane;
    private readonly OnDemandMesh _onDemand;

    public OnDemandMeshTests()
    {
        _controlPlane = new DemandAnswers(_mesh, _time, Timeout);
        _onDemand = new OnDemandMesh(_mesh, _controlPlane.Demands, network: "", clusterId: "cluster1");
        _mesh.Update(snapshot => snapshot.With(Server));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _controlPlane.DisposeAsync();

    [Fact]
    public async Task Pod_NotAnnounced_IsAskedForByUid()
    {
        var client = Pod("client", "10.0.0.2");
        _controlPlane.Known["cluster1//Pod/ns1/client"] = [client];

        var snapshot = await _onDemand.WithPodAsync(client.Info, Token).AsTask().WaitAsync(Limit, Token);

        Assert.Equal(client, snapshot.FindLocalWorkload(client.Info));
        Assert.Equal(["cluster1//Pod/ns1/client"], _controlPlane.Asked);
    }

    [Fact]
    public void Everything_Known_NothingIsAskedForAndNothingWaits()
    {
        var web = Service("web.ns1.svc.cluster.local", "80:8080", "10.1.0.1");
        _mesh.Update(snapshot => snapshot.With(Pod("client", "10.0.0.2"), web));

        Assert.True(_onDemand.WithPodAsync(Server.Info, Token).AsTask().IsCompletedSuccessfully);
        Assert.True(AddressAsync("10.1.0.1").IsCompletedSuccessfully);
        Assert.True(CallAsync("10.0.0.1:80").IsCompletedSuccessfully);
        Assert.True(CallAsync("web.ns1.svc.cluster.local:80").IsCompletedSuccessfully);
        Assert.Empty(_controlPlane.Asked);
    }

    [Fact]
    public async Task Address_WithARemoteWaypoint_AsksForTheGatewayOfItsNetworkToo()
    {
        var waypoints = Service("waypoint.ns1.svc.cluster.local", "15008:15008", "10.1.0.9");
        var waypoint = Pod("waypoint").EndpointOf(waypoints, "") with
        {
            Network = "other",
            NetworkGateway = GatewayAt("10.22.1.1", network: "other"),
        };
        var web = Service("web.ns1.svc.cluster.local", "80:8080", "10.1.0.1") with
        {
            Waypoint = GatewayNamed("ns1", waypoints.Hostname),
        };
        _controlPlane.Known["/10.1.0.1"] = [web];
        _controlPlane.Known[waypoints.NamespacedHostname.ToString()] = [waypoints, waypoint];
        _controlPlane.Known["other/10.22.1.1"] = [Pod("gateway", "10.22.1.1") with { Network = "other" }];

        var snapshot = await AddressAsync("10.1.0.1").WaitAsync(Limit, Token);

        Assert.Equal(["/10.1.0.1", "ns1/waypoint.ns1.svc.cluster.local", "other/10.22.1.1"], _controlPlane.Asked);
        Assert.Equal("gateway", snapshot.FindWorkload(At("10.22.1.1", "other"))?.Name);
    }

    [Fact]
    public async Task Call_FromAnUnknownCaller_AsksForItsAddress()
    {
        _controlPlane.Known["/10.0.0.2"] = [Pod("client", "10.0.0.2")];

        var snapshot = await CallAsync("10.0.0.1:80").WaitAsync(Limit, Token);

        Assert.Equal("client", snapshot.FindWorkload(At("10.0.0.2"))?.Name);
        Assert.Equal(["/10.0.0.2"], _controlPlane.Asked);
    }

    [Fact]
    public async Task Call_OfAPodWithServices_AsksForThem()
    {
        var web = Service("web.ns1.svc.cluster.local", "80:8080", "10.1.0.1");
        _controlPlane.Known[web.NamespacedHostname.ToString()] = [web];
        var server = Server.EndpointOf(web, "80:8080");
        _mesh.Update(snapshot => snapshot.With(Pod("client", "10.0.0.2"), server));

        var snapshot = await _onDemand.WithCallerAsync(server, At("10.0.0.2"), Token).AsTask().WaitAsync(Limit, Token);

        Assert.Equal([web.Hostname], InboundRouter.ServicesOf(snapshot, server).Select(service => service.Hostname));
        Assert.Equal(["ns1/web.ns1.svc.cluster.local"], _controlPlane.Asked);
    }

    /// <summary>A waypoint is called at the address of what is behind it.</summary>
    [Fact]
    public async Task Call_ToAWaypoint_AsksForTheTargetThenForItsWaypoint()
    {
        var gateway = Service("waypoint.ns1.svc.cluster.local", "15008:15008", "10.1.0.9");
        var target = Pod("target", "10.0.0.3") with { Waypoint = GatewayNamed("ns1", gateway.Hostname) };
        _controlPlane.Known["/10.0.0.3"] = [target];
        _controlPlane.Known[gateway.NamespacedHostname.ToString()] = [gateway, Server.EndpointOf(gateway, "15008:15008")];
        _mesh.Update(snapshot => snapshot.With(Pod("client", "10.0.0.2")));

        var snapshot = await CallAsync("10.0.0.3:80").WaitAsync(Limit, Token);

        Assert.Equal(["/10.0.0.3", "ns1/waypoint.ns1.svc.cluster.local"], _controlPlane.Asked);
        Assert.True(new InboundRouter("", []).Route(snapshot, Server, ServerIp, Authority("10.0.0.3:80")).IsAccepted);
    }

    [Theory]
    [InlineData("web.other.svc.cluster.local", "ns1/web.other.svc.cluster.local", "other/web.other.svc.cluster.local")]
    [InlineData("web.ns1.svc.cluster.local", "ns1/web.ns1.svc.cluster.local")]
    [InlineData("api.example.com", "ns1/api.example.com")]
    [InlineData("a..svc.b", "ns1/a..svc.b")]
    public async Task Call_ToAHostname_AsksForItInTheNamespacesThatItCanMean(string hostname, params string[] names)
    {
        var service = Service(hostname, "80:8080", "10.1.0.1") with { Namespace = names[^1].Split('/')[0] };
        _controlPlane.Known[names[^1]] = [service];
        _mesh.Update(snapshot => snapshot.With(Pod("client", "10.0.0.2")));

        var snapshot = await CallAsync($"{hostname}:80").WaitAsync(Limit, Token);

        Assert.Equal(service.Namespace, snapshot.FindServiceByHostname(hostname, "ns1")?.Namespace);
        Assert.Equal(names.Order(), _controlPlane.Asked.Order());
    }

    [Fact]
    public async Task Address_OfAServiceThatNamesItsMembers_AsksForThemByUid()
    {
        var members = Enumerable.Range(1, 3).Select(i => Pod($"m{i}", $"10.0.1.{i}")).ToArray();
        var service = Service("web.ns1.svc.cluster.local", "80:8080", "10.1.0.1") with
        {
            Endpoints = MapOf(
                members.Select(member => member.Uid), uid => new ServiceEndpoint(uid, Ports("80:8080"), WorkloadStatus.Healthy)),
        };
        _controlPlane.Known["/10.1.0.1"] = [service];
        foreach (var member in members)
        {
            _controlPlane.Known[member.Uid] = [member];
        }

        var snapshot = await AddressAsync("10.1.0.1").WaitAsync(Limit, Token);

        Assert.All(members, member => Assert.NotNull(snapshot.FindWorkload(member.Uid)));
        Assert.Equal(["/10.1.0.1", .. members.Select(member => member.Uid)], _controlPlane.Asked.Order());
    }

    [Fact]
    public async Task Address_OfAServiceWithTooManyMembers_AsksForAHundredNames()
    {
        var uids = Enumerable.Range(0, 5_000).Select(i => $"cluster1//Pod/ns1/m{i}");
        var service = Service("web.ns1.svc.cluster.local", "80:8080", "10.1.0.1") with
        {
            Endpoints = MapOf(
                uids, uid => new ServiceEndpoint(uid, Ports("80:8080"), WorkloadStatus.Healthy)),
        };
        _controlPlane.Known["/10.1.0.1"] = [service];

        await AddressAsync("10.1.0.1").WaitAsync(Limit, Token);

        Assert.Equal(100, _controlPlane.Asked.Length);
    }

    /// <summary>10.1.5: nothing waits without end, and look-ups in a row share one limit.</summary>
    [Fact]
    public async Task Target_WithoutAnAnswer_IsGivenUpAfterTheTimeout()
    {
        var target = Pod("target", "10.0.0.3") with { Waypoint = GatewayAt("10.0.0.9") };
        _controlPlane.Known["/10.0.0.3"] = [target];
        _controlPlane.Silent["/10.0.0.9"] = true;
        _mesh.Update(snapshot => snapshot.With(Pod("client", "10.0.0.2")));
        var call = CallAsync("10.0.0.3:80");
        await Waiting.UntilAsync(() => _controlPlane.Asked.Contains("/10.0.0.9"), Token);

        _time.Advance(Timeout - Moment);
        Assert.False(call.IsCompleted);
        _time.Advance(Moment);

        Assert.Equal(target, (await call.WaitAsync(Limit, Token)).FindWorkload(At("10.0.0.3")));
    }

    [Fact]
    public async Task Caller_WithoutAnAnswer_IsGivenUpAfterASecond()
    {
        _controlPlane.Silent["/10.0.0.2"] = true;
        var call = CallAsync("10.0.0.1:80");
        _time.Advance(TimeSpan.FromSeconds(1) - Moment);
        Assert.False(call.IsCompleted);

        _time.Advance(Moment);

        Assert.Null((await call.WaitAsync(Limit, Token)).FindWorkload(At("10.0.0.2")));
    }

    /// <summary>An unknown destination is worth asking again on another stream; an unknown caller is not.</summary>
    [Fact]
    public async Task Caller_ThatIsUnknown_NeverRenewsTheStream()
    {
        await CallAsync("10.0.0.1:80").WaitAsync(Limit, Token);
        _time.Advance(Demands.RenewalInterval + Demands.UnknownLifetime);

        Assert.True(CallAsync("10.0.0.1:80").IsCompleted);
        Assert.False(_controlPlane.Demands.RenewalAsked.IsCompleted);
        var address = AddressAsync("10.0.0.2");

        Assert.True(_controlPlane.Demands.RenewalAsked.IsCompleted);
        await address.WaitAsync(Limit, Token);
    }

    /// <summary>Whoever may call chooses from how many addresses: that fills neither our memory nor istiod's.</summary>
    [Fact]
    public async Task Callers_TooMany_AreNotAskedForAnyMore()
    {
        for (var i = 0; i < 20_000; i++)
        {
            Assert.True(_controlPlane.Demands.TrySubscribe($"/fd00::{i:x}"));
        }

        Assert.True(CallAsync("10.0.0.1:80").IsCompleted);
        await AddressAsync("10.0.0.7").WaitAsync(Limit, Token);

        Assert.Equal(["/10.0.0.7"], _controlPlane.Asked);
    }

    [Fact]
    public async Task Call_GivenUp_EndsAtOnce()
    {
        _controlPlane.Silent["/10.0.0.2"] = true;
        using var stop = new CancellationTokenSource();
        var call = _onDemand.WithCallerAsync(Server, At("10.0.0.2"), stop.Token).AsTask();

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(Limit, Token));
    }

    private static HboneAuthority Authority(string text) => HboneAuthority.TryParse(text)!;

    private Task<MeshSnapshot> AddressAsync(string address) => _onDemand.WithAddressAsync(At(address), Token).AsTask();

    private Task<MeshSnapshot> CallAsync(string authority) =>
        _onDemand.WithCallAsync(Server, ServerIp, Authority(authority), At("10.0.0.2"), Token).AsTask();

    private static HashMap<string, ServiceEndpoint> MapOf(IEnumerable<string> uids, Func<string, ServiceEndpoint> endpoint)
    {
        var map = HashMap<string, ServiceEndpoint>.Empty.ToBuilder();
        foreach (var uid in uids)
        {
            map.TryAdd(uid, endpoint(uid));
        }

        return map.ToMap();
    }
}
