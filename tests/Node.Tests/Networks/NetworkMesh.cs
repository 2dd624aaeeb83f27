using Ztunnel.Demo;

namespace Node.Tests.Networks;

/// <summary>The mesh as each of the two networks sees it, as local mesh files.</summary>
internal static class NetworkMesh
{
    /// <summary>The client, the gateway, and for every service of the far network one endpoint without an address.</summary>
    public static string Near(Pod client, Pod gateway) =>
        $"""
        workloads:
        {Workload(client, "default", "net-1", "HBONE")}
          services: {"{}"}
        {Workload(gateway, "istio-system", "net-2", "TCP")}
          services:
            "istio-system/{FarServices.GatewayHostname}": {"{15009: 15008}"}
            "istio-system/{FarServices.HalfSilentHostname}": {"{15008: 15008}"}
        - uid: Kubernetes//Pod/istio-system/silent-gateway
          name: silent-gateway
          namespace: istio-system
          serviceAccount: gateway
          trustDomain: cluster.local
          network: net-2
          workloadIps: ["{FarServices.SilentGateway}"]
          protocol: TCP
          clusterId: cluster-net-2
          services:
            "istio-system/{FarServices.HalfSilentHostname}": {"{15008: 15008}"}
        {string.Join('\n', FarServices.All.Select(Endpoint))}
        services:
        - name: gateway
          namespace: istio-system
          hostname: {FarServices.GatewayHostname}
          vips: []
          ports: {"{15009: 15008}"}
        - name: half-silent
          namespace: istio-system
          hostname: {FarServices.HalfSilentHostname}
          vips: []
          ports: {"{15008: 15008}"}
        {string.Join('\n', FarServices.All.Select(Service))}

        """;

    /// <summary>The server, and the services that it has there; open to identities of namespace default only.</summary>
    public static string Far(Pod server) =>
        $"""
        workloads:
        {Workload(server, "shop", "net-2", "HBONE")}
          services:
            "shop/{FarServices.Echo.Hostname}": {Ports}
            "shop/{FarServices.EchoByAddress.Hostname}": {Ports}
            "shop/{FarServices.HalfSilent.Hostname}": {Ports}
        services:
        {FarEnd(FarServices.Echo)}
        {FarEnd(FarServices.EchoByAddress)}
        {FarEnd(FarServices.HalfSilent)}
        policies:
        - name: from-default
          namespace: shop
          scope: Namespace
          action: Allow
          dryRun: false
          rules: [[[{"{namespaces: [!Exact default]}"}]]]

        """;

    private static string Ports => FormattableString.Invariant($"{{{FarService.Port}: {TestMesh.EchoPort}}}");

    private static string Workload(Pod pod, string @namespace, string network, string protocol) =>
        $"""
        - uid: Kubernetes//Pod/{@namespace}/{pod.Name}
          name: {pod.Name}
          namespace: {@namespace}
          serviceAccount: {pod.Name}
          trustDomain: cluster.local
          network: {network}
          workloadIps: ["{pod.IPv4}", "{pod.IPv6}"]
          protocol: {protocol}
          node: {pod.Node.Name}
          workloadName: {pod.Name}
          workloadType: deployment
          canonicalName: {pod.Name}
          canonicalRevision: v1
          clusterId: cluster-{network}
        """;

    private static string Endpoint(FarService service)
    {
        var (gateway, port) = service.Gateway is { } reference
            ? (reference, 15008)
            : ($"istio-system/{FarServices.GatewayHostname}", 15009);
        return FormattableString.Invariant(
            $$"""
            - uid: net-2/SplitHorizonWorkload/istio-system/gateway/{{service.Hostname}}
              name: split-{{service.Name}}
              namespace: shop
              serviceAccount: default
              trustDomain: cluster.local
              network: net-2
              workloadIps: []
              protocol: HBONE
              networkGateway: {destination: "{{gateway}}", hboneMtlsPort: {{port}}}
              clusterId: cluster-net-2
              services:
                "shop/{{service.Hostname}}": {{Ports}}
            """);
    }

    private static string Service(FarService service) =>
        $"""
        - name: {service.Name}
          namespace: shop
          hostname: {service.Hostname}
          vips: ["net-1/{AddressPlan.Service4(service.Number)}", "net-1/{AddressPlan.Service6(service.Number)}"]
          ports: {Ports}
          ipFamilies: Dual
          subjectAltNames: [{string.Join(", ", service.Identities.Select(identity => $"\"{identity}\""))}]
        """;

    private static string FarEnd(FarService service) =>
        $"""
        - name: {service.Name}
          namespace: shop
          hostname: {service.Hostname}
          vips: ["net-2/{AddressPlan.Service4(service.Number + 100)}"]
          ports: {Ports}
        """;
}
