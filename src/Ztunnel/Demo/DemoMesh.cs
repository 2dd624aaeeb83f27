namespace Ztunnel.Demo;

/// <summary>The mesh of the demo as a local mesh file: three workloads, a service and two policies.</summary>
internal static class DemoMesh
{
    /// <summary>nginx in the pods.</summary>
    public const int WebPort = 8080;

    /// <summary>nginx listens here too, but policy <see cref="NoAdmin"/> lets nobody through.</summary>
    public const int DeniedPort = 9999;

    /// <summary>redis, which policy <see cref="MeshOnlyRedis"/> keeps from whoever has no identity.</summary>
    public const int RedisPort = 6379;

    /// <summary>The service's port for <see cref="WebPort"/>.</summary>
    public const int ServicePort = 80;

    /// <summary>The client's identity.</summary>
    public const string ClientIdentity = "spiffe://cluster.local/ns/default/sa/client";

    /// <summary>The server's identity.</summary>
    public const string ServerIdentity = "spiffe://cluster.local/ns/shop/sa/server";

    /// <summary>The service in front of the server.</summary>
    public const string ServiceHostname = "web.shop.svc.cluster.local";

    /// <summary>What the cluster's name server calls the pod outside the mesh, of which no proxy knows.</summary>
    public const string OutsideHostname = "plain.example.com";

    /// <summary>Policy that closes <see cref="DeniedPort"/>.</summary>
    public const string NoAdmin = "shop/no-admin";

    /// <summary>Policy that closes <see cref="RedisPort"/> to plaintext, as mTLS mode STRICT would.</summary>
    public const string MeshOnlyRedis = "shop/mesh-only-redis";

    /// <summary>Key of <see cref="NoRedisPolicy"/>.</summary>
    public const string NoRedis = "shop/no-redis";

    /// <summary>A further policy, which closes <see cref="RedisPort"/> to everybody.</summary>
    public static string NoRedisPolicy { get; } = FormattableString.Invariant(
        $"""
        - name: no-redis
          namespace: shop
          scope: Namespace
          action: Deny
          dryRun: false
          rules:
          - - - destinationPorts: [{RedisPort}]

        """);

    /// <summary>The file's text (control-plane 7.4), to which policies can be added.</summary>
    public static string ToYaml(Pod client, Pod server, Pod plain) => FormattableString.Invariant(
        $"""
        workloads:
        - uid: Kubernetes//Pod/default/client
          name: client
          namespace: default
          serviceAccount: client
          trustDomain: cluster.local
          workloadIps: ["{client.IPv4}", "{client.IPv6}"]
          protocol: HBONE
          node: {client.Node.Name}
          workloadName: client
          workloadType: deployment
          canonicalName: client
          canonicalRevision: v1
          clusterId: Kubernetes
          services: {"{}"}
        - uid: Kubernetes//Pod/shop/server
          name: server
          namespace: shop
          serviceAccount: server
          trustDomain: cluster.local
          workloadIps: ["{server.IPv4}", "{server.IPv6}"]
          protocol: HBONE
          node: {server.Node.Name}
          workloadName: server
          workloadType: deployment
          canonicalName: server
          canonicalRevision: v1
          clusterId: Kubernetes
          authorizationPolicies: ["{NoAdmin}"]
          services:
            "shop/{ServiceHostname}":
              {ServicePort}: {WebPort}
        - uid: Kubernetes//Pod/shop/plain
          name: plain
          namespace: shop
          serviceAccount: plain
          trustDomain: cluster.local
          workloadIps: ["{plain.IPv4}", "{plain.IPv6}"]
          protocol: TCP
          node: {plain.Node.Name}
          workloadName: plain
          workloadType: deployment
          canonicalName: plain
          canonicalRevision: v1
          clusterId: Kubernetes
          services: {"{}"}
        services:
        - name: web
          namespace: shop
          hostname: {ServiceHostname}
          vips: ["/{AddressPlan.Service4(1)}", "/{AddressPlan.Service6(1)}"]
          ports:
            {ServicePort}: {WebPort}
          ipFamilies: Dual
          canonical: true
        policies:
        - name: no-admin
          namespace: shop
          scope: WorkloadSelector
          action: Deny
          dryRun: false
          rules:
          - - - destinationPorts: [{DeniedPort}]
        - name: mesh-only-redis
          namespace: shop
          scope: Namespace
          action: Deny
          dryRun: false
          rules:
          - - - destinationPorts: [{RedisPort}]
                notPrincipals: [!Presence []]

        """);
}
