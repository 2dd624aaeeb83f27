using System.Net;
using Ztunnel.Demo;

namespace Node.Bench.Peers;

/// <summary>
/// Our proxy in each pod as <see cref="ZtunnelPeer"/>, on two networks: the client dials a service that has its only
/// endpoint behind a <see cref="Gateway"/> in a third pod.
/// </summary>
internal sealed class DoubleHbonePeer(string binary, bool shared) : IPeer
{
    private const string Authority = "ca";
    private const string NearMesh = "near.yaml";
    private const string FarMesh = "far.yaml";
    private const string Hostname = "echo.default.svc.cluster.local";
    private const int InboundPort = 15_008;

    private NetworkNamespace _gateway = null!;

    public string Name => shared ? PeerNames.DoubleHbone : PeerNames.DoubleHboneUnshared;

    public IPEndPoint EchoTarget { get; } = IPEndPoint.Parse($"10.96.0.1:{PodPair.EchoPort}");

    public IPEndPoint IperfTarget { get; } = IPEndPoint.Parse($"10.96.0.1:{PodPair.IperfPort}");

    public async Task PrepareAsync(PodPair pods, CancellationToken cancellationToken)
    {
        _gateway = await pods.AddGatewayAsync(cancellationToken);
        Directory.CreateDirectory(Path.Combine(pods.Folder, Authority));
        await File.WriteAllTextAsync(Path.Combine(pods.Folder, NearMesh), Near, cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(pods.Folder, FarMesh), Far, cancellationToken);
        await pods.Source.IpAsync(["route add default dev eth0"], cancellationToken); // a way for the address of the service
        foreach (var pod in new[] { pods.Source, pods.Destination })
        {
            await Capture.ApplyAsync(pod, cancellationToken);
            (await pod.RunAsync(new ProcessSpec("sysctl", "-q", "-w", ZtunnelPeer.ShortMemory), cancellationToken))
                .Succeeded();
        }
    }

    public async Task<IReadOnlyList<ChildProcess>> StartAsync(PodPair pods, CancellationToken cancellationToken) =>
    [
        await pods.Source.StartListenerAsync(Proxy(pods, "a", NearMesh), InboundPort, cancellationToken),
        await pods.Destination.StartListenerAsync(Proxy(pods, "b", FarMesh), InboundPort, cancellationToken),
        await _gateway.StartListenerAsync(GatewayOf(pods), InboundPort, cancellationToken),
    ];

    private static string Near =>
        $$"""
        workloads:
        - {{Workload("a", "near", $"\"{PodPair.SourceAddress}\"")}}
          services: {}
        - {{Workload("gateway", "far", $"\"{PodPair.GatewayAddress}\"")}}
          services: {}
        - {{Workload("split-horizon", "far", "")}}
          networkGateway: {destination: "far/{{PodPair.GatewayAddress}}", hboneMtlsPort: {{InboundPort}}}
          services: {"default/{{Hostname}}": {{Ports}}}
        services:
        - {{Service("near/10.96.0.1")}}
          subjectAltNames: ["spiffe://cluster.local/ns/default/sa/b"]

        """;

    private static string Far =>
        $$"""
        workloads:
        - {{Workload("b", "far", $"\"{PodPair.BehindGatewayAddress}\"")}}
          services: {"default/{{Hostname}}": {{Ports}}}
        services:
        - {{Service("far/10.96.0.1")}}

        """;

    private static string Ports =>
        $"{{{PodPair.EchoPort}: {PodPair.EchoPort}, {PodPair.IperfPort}: {PodPair.IperfPort}}}";

    private static string Workload(string name, string network, string addresses) =>
        $"""
        uid: cluster1//v1/Pod/default/{name}
          name: {name}
          namespace: default
          serviceAccount: {name}
          trustDomain: cluster.local
          workloadIps: [{addresses}]
          protocol: HBONE
          node: node-{name}
          network: {network}
        """;

    private static string Service(string vip) =>
        $"""
        name: echo
          namespace: default
          hostname: {Hostname}
          vips: ["{vip}"]
          ports: {Ports}
        """;

    private ProcessSpec Proxy(PodPair pods, string workload, string mesh)
    {
        var spec = new ZtunnelPeer(binary).Proxy(pods, workload);
        return spec with
        {
            Environment = new Dictionary<string, string?>(spec.Environment)
            {
                ["LOCAL_XDS_PATH"] = Path.Combine(pods.Folder, mesh),
                ["NETWORK"] = workload == "a" ? "near" : "far",
                ["POOL_DOUBLE_HBONE"] = shared ? "true" : "false",
            },
        };
    }

    private static ProcessSpec GatewayOf(PodPair pods) => new(
        Environment.ProcessPath!,
        Gateway.Command,
        $"{InboundPort}",
        Path.Combine(pods.Folder, Authority),
        $"{PodPair.BehindGatewayAddress}:{InboundPort}")
    {
        Environment = new Dictionary<string, string?> { ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1" },
    };
}
