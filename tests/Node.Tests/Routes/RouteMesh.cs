using Ztunnel.Demo;

namespace Node.Tests.Routes;

/// <summary>The mesh of the route tests in the form of a local mesh file, which the control plane serves.</summary>
internal static class RouteMesh
{
    public const string ClientIdentity = "spiffe://cluster.local/ns/shop/sa/client";
    public const string WaypointIdentity = "spiffe://cluster.local/ns/shop/sa/waypoint";

    /// <summary>Open to everybody.</summary>
    public const int EchoPort = 7007;

    /// <summary>Open to the waypoint only, in pod c.</summary>
    public const int WaypointsPort = 7009;

    /// <summary>Where the application of an endpoint listens that is not always there.</summary>
    public const int ComingBackPort = 7011;

    /// <summary>Where the application of a pod with an application tunnel listens.</summary>
    public const int TunnelPort = 15_088;

    /// <summary>A waypoint's address of which nothing ever comes back.</summary>
    public const string Blackhole = "10.44.9.9";

    /// <summary>Name and number in the <see cref="AddressPlan"/> of each service with addresses.</summary>
    public static readonly IReadOnlyDictionary<string, int> Services = new Dictionary<string, int>
    {
        ["balanced"] = 1,
        ["via"] = 2,
        ["via-unknown-name"] = 3,
        ["via-unknown-address"] = 4,
        ["nobody"] = 5,
        ["via-sandwich"] = 6,
        ["via-bare"] = 7,
        ["weighted"] = 8,
        ["via-impostor"] = 9,
        ["via-vouched"] = 10,
        ["via-closed"] = 11,
        ["via-plain"] = 12,
        ["via-garbage"] = 13,
        ["via-silent"] = 14,
        ["via-blackhole"] = 15,
        ["only-c"] = 16,
        ["via-empty"] = 17,
        ["outside"] = 18,
        ["one-dead"] = 19,
        ["one-dead-plain"] = 20,
        ["only-dead"] = 21,
        ["partly-denied"] = 22,
        ["coming-back"] = 23,
    };

    public static string HostnameOf(string service) => $"{service}.shop.svc.cluster.local";

    public static string ToYaml(RoutePods pods) => FormattableString.Invariant(
        $"""
        workloads:
        {Workload(pods.Client)}
          services: {None}
        {Workload(pods.Alien, trustDomain: "elsewhere.example")}
          services: {None}
        {Workload(pods.A)}
          waypoint: {Gateway($"/{pods.Waypoint.IPv4}")}
          services: {Of(("balanced", "81: 7007"), ("one-dead", ""))}
        {Workload(pods.B)}
          waypoint: {Gateway($"shop/{HostnameOf("waypoint")}")}
          services: {Of(("balanced", ""), ("one-dead", ""), ("partly-denied", ""))}
        {Workload(pods.C)}
          waypoint: {Gateway("shop/named-waypoint.example.com")}
          authorizationPolicies: ["shop/through-the-waypoint"]
          services: {Of(("balanced", ""), ("only-c", ""), ("partly-denied", ""))}
        {Workload(pods.Behind)}
          waypoint: {Gateway($"shop/{HostnameOf("bare")}")}
          services: {None}
        {Workload(pods.Waypoint)}
          hostname: named-waypoint.example.com
          services: {Of(("waypoint", ""))}
        {Workload(pods.Sandwich)}
          applicationTunnel: {Map($"protocol: PROXY, port: {TunnelPort}")}
          services: {Of(("sandwich", ""))}
        {Workload(pods.Bare)}
          applicationTunnel: {Map($"protocol: NONE, port: {TunnelPort}")}
          services: {Of(("bare", ""))}
        {Workload("impostor", pods.A.Node, AddressesOf(pods.Waypoint), isPod: false)}
          services: {Of(("impostor", ""), ("vouched", ""))}
        {Workload("blackhole", pods.A.Node, $"\"{Blackhole}\"")}
          services: {None}
        {Workload("dead", pods.A.Node, AddressesOf(pods.Idle))}
          services: {Of(("one-dead", ""), ("only-dead", ""))}
        {Workload("plain-a", pods.A.Node, AddressesOf(pods.A), isPod: false, protocol: "TCP")}
          services: {Of(("one-dead-plain", ""), ("coming-back", ""))}
        {Workload("plain-b", pods.A.Node, AddressesOf(pods.B), isPod: false, protocol: "TCP")}
          services: {Of(("one-dead-plain", ""))}
        {Workload("dead-plain", pods.A.Node, AddressesOf(pods.Idle), isPod: false, protocol: "TCP")}
          services: {Of(("one-dead-plain", ""), ("coming-back", ""))}
        services:
        {Portless("waypoint")}
          ports: {Map("15008: 15008")}
        {Portless("sandwich")}
          ports: {None}
        {Portless("bare")}
          ports: {None}
        {Portless("impostor")}
          ports: {Map("15008: 15008")}
        {Portless("vouched")}
          ports: {Map("15008: 15008")}
          subjectAltNames: ["{WaypointIdentity}"]
        {Service("balanced")}
          ports: {Map($"80: {EchoPort}, 81: 0")}
        {Via("via", $"shop/{HostnameOf("waypoint")}")}
        {Via("via-unknown-name", "shop/unknown.example.com")}
        {Via("via-unknown-address", "/10.99.99.99")}
        {Service("nobody")}
          ports: {Map($"80: {EchoPort}")}
        {Via("via-sandwich", $"shop/{HostnameOf("sandwich")}")}
        {Via("via-bare", $"shop/{HostnameOf("bare")}")}
        {Service("weighted")}
          ports: {Map($"80: {EchoPort}")}
          waypoint: {Gateway("shop/unknown.example.com")}
          weightedWaypoints:
          - {Map($"destination: {Gateway($"/{pods.A.IPv4}")}, weight: 100")}
          - {Map($"destination: {Gateway($"/{pods.Waypoint.IPv4}")}, weight: 0")}
        {Via("via-impostor", $"shop/{HostnameOf("impostor")}")}
        {Via("via-vouched", $"shop/{HostnameOf("vouched")}")}
        {Via("via-closed", $"/{pods.Waypoint.IPv4}", WaypointPeer.ClosedPort)}
        {Via("via-plain", $"/{pods.Waypoint.IPv4}", WaypointPeer.PlainPort)}
        {Via("via-garbage", $"/{pods.Waypoint.IPv4}", WaypointPeer.GarbagePort)}
        {Via("via-silent", $"/{pods.Waypoint.IPv4}", WaypointPeer.SilentPort)}
        {Via("via-blackhole", $"/{Blackhole}")}
        {Service("only-c")}
          ports: {Map($"80: {WaypointsPort}")}
        {Via("via-empty", $"shop/{HostnameOf("nobody")}", 80)}
        {Service("outside", ["/10.43.0.1", "/fd43::1"])}
          ports: {Map($"80: {EchoPort}")}
          loadBalancer: {Map("routingPreferences: [], mode: Passthrough, healthPolicy: AllowAll")}
        {Service("one-dead")}
          ports: {Map($"80: {EchoPort}")}
        {Service("one-dead-plain")}
          ports: {Map($"80: {EchoPort}")}
        {Service("only-dead")}
          ports: {Map($"80: {EchoPort}")}
        {Service("partly-denied")}
          ports: {Map($"80: {WaypointsPort}")}
        {Service("coming-back")}
          ports: {Map($"80: {ComingBackPort}")}
        policies:
        - name: through-the-waypoint
          namespace: shop
          scope: WorkloadSelector
          action: Allow
          dryRun: false
          rules:
          - - - principals: [!Exact cluster.local/ns/shop/sa/waypoint]
          - - - destinationPorts: [{EchoPort}]

        """);

    private const string None = "{}";

    private static string Map(string members) => "{" + members + "}";

    private static string Gateway(string destination, int port = WaypointPeer.Port) =>
        Map(FormattableString.Invariant($"destination: \"{destination}\", hboneMtlsPort: {port}"));

    private static string Of(params ReadOnlySpan<(string Service, string Ports)> services)
    {
        var entries = new List<string>();
        foreach (var (service, ports) in services)
        {
            entries.Add($"\"shop/{HostnameOf(service)}\": {Map(ports)}");
        }

        return Map(string.Join(", ", entries));
    }

    private static string Portless(string name) =>
        $"- name: {name}\n  namespace: shop\n  hostname: {HostnameOf(name)}\n  vips: []";

    private static string Service(string name, string[]? vips = null)
    {
        vips ??= [$"/{AddressPlan.Service4(Services[name])}", $"/{AddressPlan.Service6(Services[name])}"];
        return $"- name: {name}\n  namespace: shop\n  hostname: {HostnameOf(name)}\n  vips: [\"{string.Join("\", \"", vips)}\"]"
            + "\n  canonical: true";
    }

    private static string Via(string name, string waypoint, int port = WaypointPeer.Port) =>
        $"{Service(name)}\n  ports: {Map("80: 7007")}\n  waypoint: {Gateway(waypoint, port)}";

    private static string Workload(Pod pod, string trustDomain = "cluster.local") =>
        Workload(pod.Name, pod.Node, AddressesOf(pod), trustDomain);

    /// <param name="name">Its name and its account's.</param>
    /// <param name="node">Where it is said to run.</param>
    /// <param name="addresses">Quoted.</param>
    /// <param name="trustDomain">Of its identity.</param>
    /// <param name="isPod">A pod comes before others with its address.</param>
    /// <param name="protocol"><c>HBONE</c> or <c>TCP</c>.</param>
    private static string Workload(
        string name,
        TopologyNode node,
        string addresses,
        string trustDomain = "cluster.local",
        bool isPod = true,
        string protocol = "HBONE") =>
        $"""
        - uid: Kubernetes/{(isPod ? "/Pod" : "networking.istio.io/WorkloadEntry")}/shop/{name}
          name: {name}
          namespace: shop
          serviceAccount: {name}
          trustDomain: {trustDomain}
          workloadIps: [{addresses}]
          protocol: {protocol}
          node: {node.Name}
          workloadName: {name}
          workloadType: deployment
          canonicalName: {name}
          canonicalRevision: v1
          clusterId: Kubernetes
        """;

    private static string AddressesOf(Pod pod) => $"\"{pod.IPv4}\", \"{pod.IPv6}\"";
}
