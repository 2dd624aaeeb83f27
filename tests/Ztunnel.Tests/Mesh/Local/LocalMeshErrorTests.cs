using System.Text;
using Fixtures;
using Ztunnel.Mesh.Local;

namespace Ztunnel.Tests.Mesh.Local;

/// <summary>Every unusable file is refused with its place and reason, at bounded cost.</summary>
public sealed class LocalMeshErrorTests
{
    private const string Workload = "namespace: ns1, workloadIps: [], services: {}";
    private const string Service = "name: a, namespace: b, hostname: c, vips: [], ports: {}";
    private const string Policy = "name: a, namespace: b, scope: Global, action: Allow, dryRun: false";

    [Fact]
    public void Address_Wrong_NamesPlaceAndKey()
    {
        const string Text =
            """
            workloads:
            - namespace: ns1
              services: {}
              workloadIps:
              - 10.0.0.1
              - "10.0.0.300"
            """;

        Assert.Equal(
            "mesh.yaml:6:5: workloads[0].workloadIps[1]: \"10.0.0.300\" is not an IP address", ErrorOf(Text));
    }

    [Theory]
    [InlineData("workload: []", "1:1: workload: unknown key; known are policies, services, workloads")]
    [InlineData("[]", "1:1: expected a mapping, got a list")]
    [InlineData("text", "1:1: expected a mapping, got \"text\"")]
    [InlineData("workloads: 1", "1:12: workloads: expected a list, got \"1\"")]
    [InlineData("workloads: {}", "1:12: workloads: expected a list, got a mapping")]
    [InlineData("workloads: []\nworkloads: []", "2:1: workloads: this key is here twice")]
    [InlineData("{? [a] : b}", "1:4: expected a text key, got a list or mapping")]
    public void TopLevel_Wrong_IsNamed(string text, string error) => Assert.Equal($"mesh.yaml:{error}", ErrorOf(text));

    [Theory]
    [InlineData("workloadIps: [], services: {}", "key namespace is missing")]
    [InlineData("namespace: a, workloadIps: []", "key services is missing")]
    [InlineData("namespace: a, workloadIps: , services: {}", ".workloadIps: expected a list, got nothing")]
    [InlineData("namespace: ~, workloadIps: [], services: {}", ".namespace: expected text, got nothing")]
    [InlineData("namespace: [], workloadIps: [], services: {}", ".namespace: expected text, got a list")]
    [InlineData(
        "namespace: !X a, workloadIps: [], services: {}",
        ".namespace: a value with tag !X does not belong here")]
    [InlineData(
        "namespace: a, workloadIps: [], services: {web: {}}",
        ".services.web: \"web\" is not namespace/hostname")]
    [InlineData(
        "namespace: a, workloadIps: [], services: {n/w: {80: 65536}}",
        ".services[\"n/w\"].80: \"65536\" is not a number from 0 to 65535")]
    [InlineData(
        "namespace: a, workloadIps: [], services: {n/w: {80: \"81\"}}",
        ".services[\"n/w\"].80: expected a number, got text \"81\"")]
    [InlineData(
        "namespace: a, workloadIps: [], services: {n/w: {http: 80}}",
        ".services[\"n/w\"].http: \"http\" is not a number from 0 to 65535")]
    [InlineData(
        "namespace: a, workloadIps: [], services: {n/w: {80: 1, \"80\": 2}}",
        ".services[\"n/w\"].80: this key is here twice")]
    [InlineData(Workload + ", protocol: UDP", ".protocol: \"UDP\" is not one of TCP, HBONE")]
    [InlineData(Workload + ", protocol: hbone", ".protocol: \"hbone\" is not one of TCP, HBONE")]
    [InlineData(
        Workload + ", workloadType: statefulset",
        ".workloadType: \"statefulset\" is not one of deployment, cronjob, pod, job")]
    [InlineData(Workload + ", nativeTunnel: yes", ".nativeTunnel: expected true or false, got \"yes\"")]
    [InlineData(Workload + ", nativeTunnel: \"true\"", ".nativeTunnel: expected true or false, got text \"true\"")]
    [InlineData(Workload + ", capacity: -1", ".capacity: \"-1\" is not a number from 0 to 4294967295")]
    [InlineData(Workload + ", capacity: 4294967296", ".capacity: \"4294967296\" is not a number from 0 to 4294967295")]
    [InlineData(Workload + ", capacity: 010", ".capacity: \"010\" is not a number from 0 to 4294967295")]
    [InlineData(Workload + ", locality: {region: a, zone: b}", ".locality: key subzone is missing")]
    [InlineData(
        Workload + ", waypoint: {destination: a, hboneMtlsPort: 1}",
        ".waypoint.destination: \"a\" is not namespace/hostname")]
    [InlineData(Workload + ", waypoint: {destination: a/b}", ".waypoint: key hboneMtlsPort is missing")]
    [InlineData(
        Workload + ", waypoint: {destination: a/b, hboneMtlsPort: 1, x: 1}",
        ".waypoint.x: unknown key; known are destination, hboneMtlsPort")]
    [InlineData(
        Workload + ", applicationTunnel: {protocol: proxy}",
        ".applicationTunnel.protocol: \"proxy\" is not one of NONE, PROXY")]
    [InlineData(Workload + ", authorizationPolicies: [[]]", ".authorizationPolicies[0]: expected text, got a list")]
    [InlineData(Workload + ", \"a\\nb\": 1", "[\"a\\u000ab\"]: unknown key; known are ")]
    public void Workload_Wrong_IsNamed(string fields, string error) => AssertRefused("workloads", fields, error);

    [Theory]
    [InlineData("name: a, namespace: b, hostname: c, ports: {}", "key vips is missing")]
    [InlineData(
        "name: a, namespace: b, hostname: c, vips: [10.0.0.1], ports: {}",
        ".vips[0]: \"10.0.0.1\" is not network/ip")]
    [InlineData("name: a, namespace: b, hostname: c, vips: [/web], ports: {}", ".vips[0]: \"/web\" is not network/ip")]
    [InlineData(
        Service + ", cidrVips: [{network: a, cidr: 10.0.0.0/33}]",
        ".cidrVips[0].cidr: \"10.0.0.0/33\" is not a CIDR or an IP address")]
    [InlineData(Service + ", endpoints: {a: {workloadUid: a, port: {}}}", ".endpoints.a: key status is missing")]
    [InlineData(
        Service + ", loadBalancer: {mode: Strict, healthPolicy: AllowAll}",
        ".loadBalancer: key routingPreferences is missing")]
    [InlineData(
        Service + ", loadBalancer: {routingPreferences: [Rack], mode: Strict, healthPolicy: AllowAll}",
        ".loadBalancer.routingPreferences[0]: \"Rack\" is not one of Region, Zone, Subzone, Node, Cluster, Network")]
    [InlineData(Service + ", ipFamilies: ipv4", ".ipFamilies: \"ipv4\" is not one of Dual, IPv4, IPv6")]
    [InlineData(
        Service + ", weightedWaypoints: [{destination: a/b, weight: 1}]",
        ".weightedWaypoints[0].destination: expected a mapping, got \"a/b\"")]
    [InlineData(Service + ", visible: Public", ".visible: unknown key; known are ")]
    public void Service_Wrong_IsNamed(string fields, string error) => AssertRefused("services", fields, error);

    [Theory]
    [InlineData(Policy, "key rules is missing")]
    [InlineData(Policy + ", rules: [{}]", ".rules[0]: expected a list, got a mapping")]
    [InlineData(Policy + ", rules: [[[[]]]]", ".rules[0][0][0]: expected a mapping, got a list")]
    [InlineData(
        Policy + ", rules: [[[{sourceIps: [10.0.0]}]]]",
        ".rules[0][0][0].sourceIps[0]: \"10.0.0\" is not a CIDR or an IP address")]
    [InlineData(
        Policy + ", rules: [[[{principals: [a]}]]]",
        ".rules[0][0][0].principals[0]: expected one of !Exact, !Prefix, !Suffix and !Presence, got \"a\"")]
    [InlineData(
        Policy + ", rules: [[[{principals: [!Regex a]}]]]",
        ".rules[0][0][0].principals[0]: \"Regex\" is not one of Exact, Prefix, Suffix, Presence")]
    [InlineData(
        Policy + ", rules: [[[{principals: [{Exact: a, Prefix: b}]}]]]",
        ".rules[0][0][0].principals[0]: expected one of !Exact, !Prefix, !Suffix and !Presence, got a mapping")]
    [InlineData(
        Policy + ", rules: [[[{principals: [!Exact []]}]]]",
        ".rules[0][0][0].principals[0]: expected text, got a list")]
    [InlineData(
        Policy + ", rules: [[[{principals: [!Presence [a]]}]]]",
        ".rules[0][0][0].principals[0]: expected [], got a list")]
    [InlineData(
        Policy + ", rules: [[[{serviceAccounts: [{namespace: a}]}]]]",
        ".rules[0][0][0].serviceAccounts[0]: key serviceAccount is missing")]
    public void Policy_Wrong_IsNamed(string fields, string error) => AssertRefused("policies", fields, error);

    [Theory]
    [InlineData("workloads: [")]
    [InlineData("a: b: c")]
    [InlineData("\t- a")]
    [InlineData("workloads: *nobody")]
    [InlineData("&a [*a]")]
    [InlineData("a: \"\\q\"")]
    [InlineData("%YAML 9.9\n---\n")]
    [InlineData("[a, -, b]")]
    public void Syntax_Wrong_NamesThePlace(string text) => Assert.Matches(@"^mesh\.yaml:\d+:\d+: .+", ErrorOf(text));

    [Fact]
    public void SeveralDocuments_AreRefused() =>
        Assert.Equal(
            "mesh.yaml:2:1: expected one document, a second one starts here",
            ErrorOf("workloads: []\n---\nservices: []\n"));

    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    public void DeepNesting_IsRefused(string open) =>
        Assert.Contains(
            $"nested deeper than {YamlTree.MaxDepth} levels",
            ErrorOf(string.Concat(Enumerable.Repeat(open, 100_000))),
            StringComparison.Ordinal);

    [Fact]
    public void AliasesThatMultiply_AreRefused()
    {
        var text = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (var i = 1; i < 20; i++)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"a{i}: &a{i} [");
            text.AppendJoin(',', Enumerable.Repeat($"*a{i - 1}", 10)).Append("]\n");
        }

        Assert.Contains($"more than {YamlTree.MaxNodes} values", ErrorOf(text.ToString()), StringComparison.Ordinal);
    }

    [Fact]
    public void MutatedFiles_LoadOrAreRefusedProperly()
    {
        var original = Fixture.Read("mesh", "twopods.yaml");
        var random = new Random(5);
        for (var i = 0; i < 300; i++)
        {
            var text = new StringBuilder(original);
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                var at = random.Next(text.Length);
                _ = random.Next(3) switch
                {
                    0 => text.Remove(at, 1),
                    1 => text.Insert(at, random.GetItems<char>("[]{}:,-!&*#|>'\"%@`?~\n\t \0\u2028", 1)),
                    _ => text.Remove(at, Math.Min(random.Next(40), text.Length - at)),
                };
            }

            try
            {
                _ = LocalMeshFile.Parse(text.ToString(), "mesh.yaml");
            }
            catch (LocalMeshException refused)
            {
                Assert.Matches(@"^mesh\.yaml:\d+:\d+: .+", refused.Message);
            }
        }
    }

    private static void AssertRefused(string list, string fields, string error)
    {
        var separator = error[0] is '.' or '[' ? "" : ": ";

        var message = ErrorOf($"{list}: [{{{fields}}}]");

        Assert.Matches(@"^mesh\.yaml:1:\d+: ", message);
        var afterPlace = message[(message.IndexOf(' ', StringComparison.Ordinal) + 1)..];
        Assert.StartsWith($"{list}[0]{separator}{error}", afterPlace, StringComparison.Ordinal);
    }

    private static string ErrorOf(string text) =>
        Assert.Throws<LocalMeshException>(() => LocalMeshFile.Parse(text, "mesh.yaml")).Message;
}
