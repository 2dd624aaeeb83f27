using Ztunnel.Demo;

namespace Node.Tests.InPod;

/// <summary>
/// Two nodes with one proxy each. On the near one the pods <c>client</c> and <c>twin</c>, which share an identity, and
/// <c>local</c>; on the far one <c>remote</c> and, not captured, <c>plain</c>. <c>local</c> and <c>remote</c> are the
/// endpoints of one service. Shared by tests: who takes something away puts it back.
/// </summary>
public class TwoNodes : IAsyncLifetime
{
    public const string ServiceHostname = "echo.shop.svc.cluster.local";

    /// <summary>Open to identities of namespace default only.</summary>
    public const int EchoPort = 7007;

    /// <summary>Open to everybody, plaintext included.</summary>
    public const int OpenPort = 7008;

    /// <summary>The service's port for <see cref="EchoPort"/>.</summary>
    public const int ServicePort = 80;

    /// <summary>The service's port whose target each endpoint names itself; again <see cref="EchoPort"/>.</summary>
    public const int NamedServicePort = 81;

    internal Topology Topology { get; private set; } = null!;

    internal ServedNode Near { get; private set; } = null!;

    internal ServedNode Far { get; private set; } = null!;

    internal MeshPod Client { get; private set; } = null!;

    internal MeshPod Twin { get; private set; } = null!;

    internal MeshPod Local { get; private set; } = null!;

    internal MeshPod Remote { get; private set; } = null!;

    internal MeshPod Plain { get; private set; } = null!;

    /// <summary>Variables of both proxies besides the usual ones.</summary>
    internal (string Name, string Value)[] Variables { get; init; } = [];

    internal string AuthorityFolder => AuthorityFolderOf(Topology);

    private static string Endpoint => FormattableString.Invariant(
        $"{"{"}\"shop/{ServiceHostname}\": {"{"}{ServicePort}: {EchoPort}, {NamedServicePort}: {EchoPort}{"}"}{"}"}");

    internal static string AuthorityFolderOf(Topology topology) => Path.Combine(topology.Folder, "ca");

    internal static string MeshFileOf(Topology topology) => Path.Combine(topology.Folder, "mesh.yaml");

    public async ValueTask InitializeAsync()
    {
        var token = CancellationToken.None;
        Topology = await Topology.CreateAsync(new TopologyOptions(), token);
        try
        {
            Near = await ServedNode.CreateAsync(Topology, "near", token);
            Far = await ServedNode.CreateAsync(Topology, "far", token);
            Client = await AddPodAsync(Near, "client", "default", "client");
            Twin = await AddPodAsync(Near, "twin", "default", "client");
            Local = await AddPodAsync(Near, "local", "shop", "local");
            Remote = await AddPodAsync(Far, "remote", "shop", "remote");
            Plain = await AddPodAsync(Far, "plain", "shop", "plain");
            await PublishAsync();
            await Task.WhenAll(Near.StartProxyAsync(token, Variables), Far.StartProxyAsync(token, Variables));
            await CaptureAsync(Near, Client, Twin, Local);
            await CaptureAsync(Far, Remote);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in new[] { Near, Far })
        {
            if (node is not null)
            {
                await node.DisposeAsync();
            }
        }

        if (Topology is not null)
        {
            await Topology.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Makes the mesh known to the proxies that are to be started.</summary>
    private protected virtual Task PublishAsync() => File.WriteAllTextAsync(MeshFileOf(Topology), Mesh());

    internal async Task<MeshPod> AddPodAsync(ServedNode node, string name, string @namespace, string account) =>
        new(await Topology.AddPodAsync(node.Node, name, CancellationToken.None), @namespace, account);

    /// <summary>The mesh as a local mesh file.</summary>
    /// <param name="missing">Pods that are left out.</param>
    internal string Mesh(params MeshPod[] missing)
    {
        (MeshPod Pod, string Protocol, string Services)[] pods =
        [
            (Near.ProxyPod, "HBONE", "{}"), (Far.ProxyPod, "HBONE", "{}"), (Client, "HBONE", "{}"), (Twin, "HBONE", "{}"),
            (Local, "HBONE", Endpoint), (Remote, "HBONE", Endpoint), (Plain, "TCP", "{}"),
        ];
        return $"""
            workloads:
            {string.Join('\n', pods
                .Where(pod => !missing.Contains(pod.Pod))
                .Select(pod => $"{pod.Pod.ToYaml(pod.Protocol)}\n  services: {pod.Services}"))}
            {ServicesAndPolicies}
            """;
    }

    private static string ServicesAndPolicies => FormattableString.Invariant(
        $"""
        services:
        - name: echo
          namespace: shop
          hostname: {ServiceHostname}
          vips: ["/{AddressPlan.Service4(1)}", "/{AddressPlan.Service6(1)}"]
          ports: {"{"}{ServicePort}: {EchoPort}, {NamedServicePort}: 0{"}"}
          ipFamilies: Dual
        policies:
        - name: from-default
          namespace: shop
          scope: Namespace
          action: Allow
          dryRun: false
          rules:
          - - - namespaces: [!Exact default]
          - - - destinationPorts: [{OpenPort}]

        """);

    private static async Task CaptureAsync(ServedNode node, params MeshPod[] pods)
    {
        foreach (var pod in pods)
        {
            await node.EnrolAsync(pod, CancellationToken.None);
            await pod.Pod.CaptureAsync(CancellationToken.None);
        }
    }
}
