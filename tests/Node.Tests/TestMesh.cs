using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>The mesh of the node tests as a local mesh file.</summary>
internal static class TestMesh
{
    public const string ClientIdentity = "spiffe://cluster.local/ns/default/sa/client";
    public const string ServerIdentity = "spiffe://cluster.local/ns/shop/sa/server";
    public const string ServiceHostname = "echo.shop.svc.cluster.local";

    /// <summary>Open to identities of namespace default only.</summary>
    public const int EchoPort = 7007;

    /// <summary>Open to everybody, plaintext included.</summary>
    public const int OpenPort = 7008;

    /// <summary>Closed to everybody by policy shop/no-7099.</summary>
    public const int DeniedPort = 7099;

    /// <summary>Nobody listens there.</summary>
    public const int UnusedPort = 7100;

    /// <summary>The service's port for <see cref="EchoPort"/>.</summary>
    public const int ServicePort = 80;

    /// <param name="client">Captured, of namespace default.</param>
    /// <param name="server">Captured, of namespace shop.</param>
    /// <param name="plain">Not captured.</param>
    /// <param name="serverTunnel">The server's application tunnel, if it has one.</param>
    public static string ToYaml(Pod client, Pod server, Pod plain, string? serverTunnel = null) =>
        FormattableString.Invariant(
        $"""
        workloads:
        {Workload(client, "default", "HBONE")}
          services: {"{}"}
        {Workload(server, "shop", "HBONE")}
          authorizationPolicies: ["shop/no-7099"]
        {(serverTunnel is null ? "" : $"  applicationTunnel: {serverTunnel}")}
          services:
            "shop/{ServiceHostname}": {"{"}{ServicePort}: {EchoPort}{"}"}
        {Workload(plain, "shop", "TCP")}
          services: {"{}"}
        services:
        - name: echo
          namespace: shop
          hostname: {ServiceHostname}
          vips: ["/{AddressPlan.Service4(1)}", "/{AddressPlan.Service6(1)}"]
          ports: {"{"}{ServicePort}: {EchoPort}{"}"}
          ipFamilies: Dual
        - name: nobody
          namespace: shop
          hostname: nobody.shop.svc.cluster.local
          vips: ["/{AddressPlan.Service4(2)}"]
          ports: {"{"}{ServicePort}: {EchoPort}{"}"}
        policies:
        - name: no-7099
          namespace: shop
          scope: WorkloadSelector
          action: Deny
          dryRun: false
          rules: [[[{"{"}destinationPorts: [{DeniedPort}]{"}"}]]]
        - name: from-default
          namespace: shop
          scope: Namespace
          action: Allow
          dryRun: false
          rules:
          - - - namespaces: [!Exact default]
          - - - destinationPorts: [{OpenPort}]

        """);

    private static string Workload(Pod pod, string @namespace, string protocol)
    {
        var addresses = pod.IPv6 is null ? $"\"{pod.IPv4}\"" : $"\"{pod.IPv4}\", \"{pod.IPv6}\"";
        return $"""
            - uid: Kubernetes//Pod/{@namespace}/{pod.Name}
              name: {pod.Name}
              namespace: {@namespace}
              serviceAccount: {pod.Name}
              trustDomain: cluster.local
              workloadIps: [{addresses}]
              protocol: {protocol}
              node: {pod.Node.Name}
              workloadName: {pod.Name}
              workloadType: deployment
              canonicalName: {pod.Name}
              canonicalRevision: v1
              clusterId: Kubernetes
            """;
    }
}
