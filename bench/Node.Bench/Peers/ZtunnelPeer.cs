using System.Net;
using Ztunnel.Demo;

namespace Node.Bench.Peers;

/// <summary>
/// Our proxy in each pod, serving that pod alone (dedicated mode), with the redirection rules of a captured pod: the
/// client connects to the server's own address.
/// </summary>
internal sealed class ZtunnelPeer(string binary) : IPeer
{
    private const string Mesh = "mesh.yaml";
    private const string Authority = "ca";
    private const int InboundPort = 15_008;

    /// <summary>
    /// A closed connection keeps its conntrack entry this long; with the default the load would fill the table.
    /// </summary>
    public const string ShortMemory = "net.netfilter.nf_conntrack_tcp_timeout_time_wait=5";

    /// <summary>
    /// How plain TCP passes when the server's pod is not part of the mesh and has no proxy; null for a tunnel between two.
    /// </summary>
    public Passthrough? Passthrough { get; init; }

    public string Name => Passthrough switch
    {
        null => PeerNames.Ztunnel,
        Peers.Passthrough.Copied => PeerNames.Copy,
        _ => PeerNames.Splice,
    };

    public IPEndPoint EchoTarget { get; } = new(PodPair.DestinationAddress, PodPair.EchoPort);

    public IPEndPoint IperfTarget { get; } = new(PodPair.DestinationAddress, PodPair.IperfPort);

    public async Task PrepareAsync(PodPair pods, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.Combine(pods.Folder, Authority));
        var mesh = "workloads:\n" + Workload("a", PodPair.SourceAddress)
            + (Passthrough is null ? Workload("b", PodPair.DestinationAddress) : "");
        await File.WriteAllTextAsync(Path.Combine(pods.Folder, Mesh), mesh, cancellationToken);
        foreach (var pod in Passthrough is null ? new[] { pods.Source, pods.Destination } : [pods.Source])
        {
            await Capture.ApplyAsync(pod, cancellationToken);
            (await pod.RunAsync(new ProcessSpec("sysctl", "-q", "-w", ShortMemory), cancellationToken)).Succeeded();
        }
    }

    public async Task<IReadOnlyList<ChildProcess>> StartAsync(PodPair pods, CancellationToken cancellationToken) =>
    [
        await pods.Source.StartListenerAsync(Proxy(pods, "a"), InboundPort, cancellationToken),
        .. Passthrough is null
            ? new[] { await pods.Destination.StartListenerAsync(Proxy(pods, "b"), InboundPort, cancellationToken) }
            : [],
    ];

    /// <summary>How the proxy of a pod is started.</summary>
    public ProcessSpec Proxy(PodPair pods, string workload) => new(binary, "proxy", "ztunnel")
    {
        Environment = new Dictionary<string, string?>
        {
            ["PROXY_MODE"] = "dedicated",
            ["PROXY_WORKLOAD_INFO"] = $"default/{workload}/{workload}",
            ["NODE_NAME"] = $"node-{workload}",
            ["CLUSTER_ID"] = "Kubernetes",
            ["LOCAL_XDS_PATH"] = Path.Combine(pods.Folder, Mesh),
            ["XDS_ADDRESS"] = "",
            ["FAKE_CA"] = "true",
            ["LOCAL_CA_DIR"] = Path.Combine(pods.Folder, Authority),
            ["ISTIO_META_DNS_CAPTURE"] = "false",
            ["PACKET_MARK"] = "1337",
            ["ZTUNNEL_WORKER_THREADS"] = "2",
            ["ENABLE_SPLICE"] = Passthrough is Peers.Passthrough.Copied ? "false" : "true",
            ["RUST_LOG"] = "info,access=off",
        },
    };

    private static string Workload(string name, IPAddress address) =>
        $"""
        - uid: cluster1//v1/Pod/default/{name}
          name: {name}
          namespace: default
          serviceAccount: {name}
          trustDomain: cluster.local
          workloadIps: ["{address}"]
          protocol: HBONE
          node: node-{name}
          network: ""
          services: {"{}"}

        """;
}
