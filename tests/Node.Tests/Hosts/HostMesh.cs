using Node.Tests.Networks;
using Ztunnel.Demo;

namespace Node.Tests.Hosts;

/// <summary>A mesh of workloads that have a name and no address, as a local mesh file.</summary>
internal static class HostMesh
{
    public const int Port = 80;
    public const string WaypointIdentity = "spiffe://cluster.local/ns/shop/sa/waypoint";

    /// <summary>Name and number in the <see cref="AddressPlan"/> of each service.</summary>
    public static readonly IReadOnlyDictionary<string, int> Services = new Dictionary<string, int>
    {
        ["plain"] = 1,
        ["tunnelled"] = 2,
        ["impostor"] = 3,
        ["nobody"] = 4,
        ["empty"] = 5,
        ["late"] = 6,
        ["only6"] = 7,
        ["via"] = 8,
        ["far"] = 9,
    };

    /// <summary>Of a service.</summary>
    public static string HostnameOf(string service) => $"{service}.shop.svc.cluster.local";

    public static string UidOf(string endpoint) => $"Kubernetes/networking.istio.io/WorkloadEntry/shop/{endpoint}";

    public static string ToYaml(Pod client, Pod server) =>
        $"""
        workloads:
        {Workload($"Kubernetes//Pod/shop/{client.Name}", "client", "client", $"\"{client.IPv4}\", \"{client.IPv6}\"", "HBONE")}
          node: near
          services: {None}
        {Workload($"Kubernetes//Pod/shop/{server.Name}", "server", "server", $"\"{server.IPv4}\", \"{server.IPv6}\"", "HBONE")}
          node: near
          services: {None}
        {Named("plain", "plain", "TCP")}
        {Named("tunnelled", "server", "HBONE")}
        {Named("impostor", "impostor", "HBONE", "tunnelled")}
        {Named("nobody", "nobody", "TCP")}
        {Named("empty", "empty", "TCP")}
        {Named("late", "late", "TCP")}
        {Named("only6", "only6", "TCP")}
        {Workload(UidOf("waypoint"), "waypoint", "waypoint", "", "HBONE")}
          hostname: waypoint.example.com
          services: {None}
        {Workload(UidOf("gateway"), "gateway", "gateway", "", "HBONE")}
          hostname: gateway.example.com
          network: net-2
          services: {None}
        {Workload("net-2/SplitHorizonWorkload/far", "far", "far", "", "HBONE")}
          network: net-2
          networkGateway: {Map("destination: \"shop/gateway.example.com\", hboneMtlsPort: 15008")}
          services: {Map($"\"shop/{HostnameOf("far")}\": {Ports}")}
        services:
        {string.Join('\n', Services.Keys.Select(Service))}

        """;

    private const string None = "{}";

    private static string Ports => Map(FormattableString.Invariant($"{Port}: {TestMesh.EchoPort}"));

    private static string Map(string members) => "{" + members + "}";

    private static string Named(string service, string account, string protocol, string? hostname = null) =>
        $"""
        {Workload(UidOf(service), service, account, "", protocol)}
          hostname: {hostname ?? service}.example.com
          services: {Map($"\"shop/{HostnameOf(service)}\": {Ports}")}
        """;

    private static string Service(string name)
    {
        var text =
            $"""
            - name: {name}
              namespace: shop
              hostname: {HostnameOf(name)}
              vips: ["/{AddressPlan.Service4(Services[name])}", "/{AddressPlan.Service6(Services[name])}"]
              ports: {Ports}
            """;
        return name switch
        {
            "via" => $"{text}\n  waypoint: {Map("destination: \"shop/waypoint.example.com\", hboneMtlsPort: 15008")}",
            "far" => $"{text}\n  subjectAltNames: [\"{FarServices.PeerIdentity}\"]",
            _ => text,
        };
    }

    private static string Workload(string uid, string name, string account, string addresses, string protocol) =>
        $"""
        - uid: {uid}
          name: {name}
          namespace: shop
          serviceAccount: {account}
          trustDomain: cluster.local
          workloadIps: [{addresses}]
          protocol: {protocol}
          workloadName: {name}
          workloadType: deployment
          canonicalName: {name}
          canonicalRevision: v1
          clusterId: Kubernetes
        """;
}
