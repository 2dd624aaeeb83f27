using System.Net;
using System.Text;
using Fixtures;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Local;
using Ztunnel.Policy;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Local;

/// <summary>Control-plane 7.4.</summary>
public sealed class LocalMeshFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-file-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void S20_Example_Loads()
    {
        var snapshot = LocalMeshFile.Load(Fixture.PathOf("mesh", "localhost.yaml")).ApplyTo(Empty);

        var local = snapshot.FindServiceByVip(At("127.10.0.1"), "default");
        Assert.Equal((ushort)8080, local?.Ports[80]);
        Assert.Equal(["spiffe://cluster.local/ns/default/sa/local"], local?.SubjectAltNames);
        Assert.Equal(2, local?.Endpoints.Count);
        Assert.Equal("example2.com", snapshot.FindServiceByVip(At("127.10.0.2", "remote"), "default")?.Hostname);
        Assert.Null(snapshot.FindServiceByVip(At("127.10.0.2"), "default"));
        Assert.Empty(snapshot.FindWorkload(At("127.0.0.1"))!.Services);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("---\n")]
    [InlineData("~")]
    [InlineData("{}")]
    [InlineData("workloads:\nservices: ~\npolicies: []\n")]
    public void NothingInIt_IsAnEmptyMesh(string text)
    {
        var mesh = LocalMeshFile.Parse(text, "mesh.yaml");

        Assert.Empty(mesh.Workloads);
        Assert.Empty(mesh.Services);
        Assert.Empty(mesh.Policies);
    }

    [Fact]
    public void Workload_Minimal_HasTheDefaults()
    {
        var (workload, endpointOf) = Assert.Single(
            LocalMeshFile.Parse("workloads: [{namespace: ns1, workloadIps: [], services: {}}]", "mesh.yaml").Workloads);

        Assert.Empty(endpointOf);
        Assert.Equal(new Workload { Uid = "", Namespace = "ns1" }, workload with { Addresses = [], Services = [] });
        Assert.Null(workload.WorkloadType);
        Assert.Equal(1u, workload.Capacity);
    }

    [Fact]
    public void Workload_EveryKey_IsRead()
    {
        var (workload, endpointOf) = Assert.Single(LocalMeshFile.Parse(
            """
            workloads:
            - workloadIps: [10.0.0.1, "fd00::1", "::ffff:10.0.0.2"]
              namespace: ns1
              services: {"ns1/web.example.com": {80: 8080, "81": 0}}
              uid: u
              name: 80
              trustDomain: td
              serviceAccount: sa
              network: net1
              workloadName: wn
              workloadType: cronjob
              canonicalName: cn
              canonicalRevision: cr
              hostname: h
              node: "null"
              clusterId: c
              protocol: HBONE
              networkMode: HostNetwork
              status: Unhealthy
              nativeTunnel: true
              capacity: 4294967295
              authorizationPolicies: [ns1/a, ns1/b]
              waypoint: {destination: net1/10.0.2.1, hboneMtlsPort: 15008}
              networkGateway: {destination: ns2/gw.example.com, hboneMtlsPort: 15009}
              applicationTunnel: {protocol: PROXY, port: 15088}
              locality: {region: r, zone: z, subzone: s, more: tolerated}
            """,
            "mesh.yaml").Workloads);

        Assert.Equal(["10.0.0.1", "fd00::1", "10.0.0.2"], workload.Addresses.Select(address => address.ToString()));
        Assert.Equal(Ports("80:8080,81:0"), Assert.Single(endpointOf).Value);
        Assert.Equal(["ns1/a", "ns1/b"], workload.AuthorizationPolicies);
        Assert.Equal(
            new Workload
            {
                Uid = "u",
                Name = "80",
                Namespace = "ns1",
                ServiceAccount = "sa",
                TrustDomain = "td",
                Network = "net1",
                Hostname = "h",
                Protocol = TunnelProtocol.Hbone,
                NetworkMode = NetworkMode.HostNetwork,
                Status = WorkloadStatus.Unhealthy,
                WorkloadName = "wn",
                WorkloadType = WorkloadType.CronJob,
                CanonicalName = "cn",
                CanonicalRevision = "cr",
                Node = "null",
                ClusterId = "c",
                Locality = new("r", "z", "s"),
                Capacity = uint.MaxValue,
                NativeTunnel = true,
                Waypoint = GatewayAt("10.0.2.1", 15008, "net1"),
                NetworkGateway = GatewayNamed("ns2", "gw.example.com", 15009),
                ApplicationTunnel = new(ApplicationTunnelProtocol.Proxy, 15088),
            },
            workload with { Addresses = [], Services = [], AuthorizationPolicies = [] });
    }

    [Fact]
    public void Service_EveryKey_IsRead()
    {
        var service = Assert.Single(LocalMeshFile.Parse(
            """
            services:
            - name: web
              namespace: ns1
              hostname: web.example.com
              vips: [/10.0.1.1, net1/fd00::1]
              ports: {80: 8080}
              cidrVips: [{network: net1, cidr: 10.9.9.9/16, more: tolerated}]
              endpoints: {u: {workloadUid: w, port: {80: 1}, status: Unhealthy}}
              subjectAltNames: [a]
              waypoint: {destination: /10.0.2.1, hboneMtlsPort: 15008}
              weightedWaypoints: [{destination: {destination: ns1/wp, hboneMtlsPort: 1}, weight: 7}]
              loadBalancer:
                routingPreferences: [Region, Zone, Subzone, Node, Cluster, Network]
                mode: Strict
                healthPolicy: AllowAll
              ipFamilies: IPv4
              canonical: true
              visibility: Namespace
            """,
            "mesh.yaml").Services);

        Assert.Equal([At("10.0.1.1"), At("fd00::1", "net1")], service.Vips);
        Assert.Equal([new CidrVip("net1", IPNetwork.Parse("10.9.0.0/16"))], service.CidrVips);
        var (uid, endpoint) = Assert.Single(service.Endpoints);
        Assert.Equal(("u", "w", WorkloadStatus.Unhealthy), (uid, endpoint.WorkloadUid, endpoint.Status));
        Assert.Equal(Ports("80:1"), endpoint.Ports);
        Assert.Equal([new WeightedWaypoint(GatewayNamed("ns1", "wp", 1), 7)], service.WeightedWaypoints);
        Assert.Equal(Enum.GetValues<LoadBalancerScope>(), service.LoadBalancer!.RoutingPreferences);
        Assert.Equal(LoadBalancerMode.Strict, service.LoadBalancer.Mode);
        Assert.Equal(HealthPolicy.AllowAll, service.LoadBalancer.HealthPolicy);
        Assert.Equal(IpFamilies.IPv4, service.IpFamilies);
        Assert.Equal(Visibility.Namespace, service.Visibility);
        Assert.True(service.Canonical);
        Assert.Equal((GatewayAt("10.0.2.1"), "web"), (service.Waypoint, service.Name));
        Assert.Equal(["a"], service.SubjectAltNames);
    }

    [Theory]
    [InlineData("[!Exact a, !Prefix b, !Suffix c, !Presence []]")]
    [InlineData("[{Exact: a}, {Prefix: b}, {Suffix: c}, {Presence: []}]")]
    [InlineData("""[{"Exact": "a"}, {"Prefix": "b"}, !Suffix "c", !Presence ]""")]
    public void Policy_BothSpellingsOfMatches_AreRead(string matches)
    {
        var match = MatchOf($"{{principals: {matches}, whatever: tolerated}}");

        Assert.Equal(
            [
                new StringMatch(StringMatchKind.Exact, "a"),
                new StringMatch(StringMatchKind.Prefix, "b"),
                new StringMatch(StringMatchKind.Suffix, "c"),
                new StringMatch(StringMatchKind.Presence, ""),
            ],
            match.Principals);
    }

    [Fact]
    public void Policy_EveryKey_IsRead()
    {
        var match = MatchOf(
            """
            {namespaces: [!Exact 1], notNamespaces: [!Exact 2], principals: [!Exact 3], notPrincipals: [!Exact ""],
             serviceAccounts: [{namespace: a, serviceAccount: b}],
             notServiceAccounts: [{namespace: c, serviceAccount: d}],
             sourceIps: [127.0.0.1/24], notSourceIps: [10.0.0.1],
             destinationIps: ["fd00::1"], notDestinationIps: [0.0.0.0/0],
             destinationPorts: [1], notDestinationPorts: [2, 65535]}
            """);

        Assert.Equal(
            ["1", "2", "3", ""],
            new[] { match.Namespaces, match.NotNamespaces, match.Principals, match.NotPrincipals }
                .Select(list => Assert.Single(list).Value));
        Assert.Equal([new ServiceAccountMatch("a", "b")], match.ServiceAccounts);
        Assert.Equal([new ServiceAccountMatch("c", "d")], match.NotServiceAccounts);
        Assert.Equal(
            ["127.0.0.0/24", "10.0.0.1/32", "fd00::1/128", "0.0.0.0/0"],
            new[] { match.SourceIps, match.NotSourceIps, match.DestinationIps, match.NotDestinationIps }
                .Select(list => Assert.Single(list).ToString()));
        Assert.Equal([(ushort)1], match.DestinationPorts);
        Assert.Equal([(ushort)2, (ushort)65535], match.NotDestinationPorts);
    }

    [Fact]
    public void Policy_Header_IsRead()
    {
        var policy = Assert.Single(LocalMeshFile.Parse(
            """
            policies:
            - {name: p, namespace: ns1, scope: WorkloadSelector, action: Deny, dryRun: true, rules: [[], [[]]]}
            """,
            "mesh.yaml").Policies);

        Assert.Equal("ns1/p", policy.Key);
        Assert.Equal(PolicyScope.WorkloadSelector, policy.Scope);
        Assert.Equal(PolicyAction.Deny, policy.Action);
        Assert.True(policy.DryRun);
        Assert.Equal([0, 1], policy.Rules.Select(rule => rule.Clauses.Length));
    }

    [Fact]
    public void Aliases_AreFollowed()
    {
        var mesh = LocalMeshFile.Parse(
            """
            workloads:
            - namespace: &ns ns1
              workloadIps: &ips [10.0.0.1]
              services: {}
            - {namespace: *ns, workloadIps: *ips, services: {}}
            """,
            "mesh.yaml");

        Assert.Equal(2, mesh.Workloads.Length);
        Assert.All(mesh.Workloads, local => Assert.Equal("ns1", local.Workload.Namespace));
        Assert.All(mesh.Workloads, local => Assert.Single(local.Workload.Addresses));
    }

    [Fact]
    public void File_WithByteOrderMark_IsRead()
    {
        var path = WriteFile([.. Encoding.UTF8.Preamble, .. "workloads: []"u8]);

        Assert.Empty(LocalMeshFile.Load(path).Workloads);
    }

    [Fact]
    public void File_NotUtf8OrMissing_IsAClearError()
    {
        var path = WriteFile([.. "a: "u8, 0xFF]);
        var missing = path + ".missing";

        var notUtf8 = Assert.Throws<LocalMeshException>(() => LocalMeshFile.Load(path));
        var notThere = Assert.Throws<LocalMeshException>(() => LocalMeshFile.Load(missing));

        Assert.Equal($"{path}: not UTF-8 at byte 3", notUtf8.Message);
        Assert.StartsWith($"{missing}: cannot be read: ", notThere.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_WithoutEnd_IsRefused() =>
        Assert.Equal(
            $"/dev/zero: longer than {LocalMeshFile.MaxLength} bytes",
            Assert.Throws<LocalMeshException>(() => LocalMeshFile.Load("/dev/zero")).Message);

    private static PolicyMatch MatchOf(string match) =>
        LocalMeshFile.Parse(
            $"policies: [{{name: p, namespace: n, scope: Global, action: Allow, dryRun: false, rules: [[[{match}]]]}}]",
            "mesh.yaml").Policies[0].Rules[0].Clauses[0].Matches[0];

    private string WriteFile(ReadOnlySpan<byte> content)
    {
        var path = Path.Combine(_folder.FullName, "mesh.yaml");
        File.WriteAllBytes(path, content);
        return path;
    }
}
