namespace Ztunnel.Demo;

/// <summary>A machine of the cluster: a namespace with a wire to the switch and one to each of its pods.</summary>
internal sealed class TopologyNode : IAsyncDisposable
{
    private int _pods;

    private TopologyNode(string name, int number, NetworkNamespace network)
    {
        (Name, Number, Namespace) = (name, number, network);
        Host = new Pod(name, this, network, AddressPlan.Node4(number), AddressPlan.Node6(number));
    }

    /// <summary>Its Kubernetes name.</summary>
    public string Name { get; }

    /// <summary>Its number in the <see cref="AddressPlan"/>.</summary>
    public int Number { get; }

    /// <summary>The switch's end of its wire: everything this node exchanges with others passes here.</summary>
    public string SwitchPort => PortOf(Number);

    /// <summary>Where the node's own processes run.</summary>
    public NetworkNamespace Namespace { get; }

    /// <summary>What a pod is that shares the node's network (<c>hostNetwork</c>).</summary>
    public Pod Host { get; }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Namespace.DisposeAsync();

    /// <summary>Makes a node and plugs it into the bridge of the switch.</summary>
    internal static async Task<TopologyNode> CreateAsync(
        NetworkNamespace network,
        string name,
        int number,
        NetworkNamespace @switch,
        CancellationToken cancellationToken)
    {
        var port = PortOf(number);
        await @switch.IpAsync(
            [
                $"link add {port} type veth peer name eth0 netns {network.Name}",
                $"link set {port} master {Topology.Bridge}",
                $"link set {port} up",
            ],
            cancellationToken);
        await network.IpAsync(
            [
                $"address add {AddressPlan.Node4(number)}/24 dev eth0",
                $"address add {AddressPlan.Node6(number)}/64 dev eth0 nodad",
                "link set eth0 up",
            ],
            cancellationToken);
        return new TopologyNode(name, number, network);
    }

    private static string PortOf(int number) => FormattableString.Invariant($"node{number}");

    /// <summary>Tells this node where the pods of another one are.</summary>
    internal Task AddRouteToAsync(TopologyNode other, CancellationToken cancellationToken) => Namespace.IpAsync(
        [
            $"route add {AddressPlan.Pods4(other.Number)} via {AddressPlan.Node4(other.Number)}",
            $"route add {AddressPlan.Pods6(other.Number)} via {AddressPlan.Node6(other.Number)}",
        ],
        cancellationToken);

    /// <summary>
    /// Gives a new namespace one wire to this node, with point-to-point routes as common CNI plugins make them.
    /// </summary>
    internal async Task<Pod> AttachAsync(
        NetworkNamespace network, string name, TopologyOptions options, CancellationToken cancellationToken)
    {
        var number = Interlocked.Increment(ref _pods);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, AddressPlan.Largest, "pods of one node");

        var ipv6 = options.IPv6 ? AddressPlan.Pod6(Number, number) : null;
        var pod = new Pod(name, this, network, AddressPlan.Pod4(Number, number), ipv6);
        var (gateway4, gateway6) = (AddressPlan.Gateway4(Number), AddressPlan.Gateway6(Number));
        var wire = FormattableString.Invariant($"pod{number}");
        List<string> onNode =
        [
            $"link add {wire} type veth peer name eth0 netns {network.Name}",
            $"address add {gateway4}/32 dev {wire}",
            $"link set {wire} up",
            $"route add {pod.IPv4}/32 dev {wire}",
        ];
        List<string> inPod =
        [
            $"address add {pod.IPv4}/32 dev eth0",
            "link set eth0 up",
            $"route add {gateway4} dev eth0 scope link src {pod.IPv4}",
            $"route add default via {gateway4} dev eth0",
        ];
        if (pod.IPv6 is not null)
        {
            onNode.AddRange([$"address add {gateway6}/128 dev {wire} nodad", $"route add {pod.IPv6}/128 dev {wire}"]);
            inPod.AddRange(
            [
                $"address add {pod.IPv6}/128 dev eth0 nodad",
                $"route add {gateway6} dev eth0",
                $"route add ::/0 via {gateway6} dev eth0",
            ]);
        }

        await Namespace.IpAsync(onNode, cancellationToken);
        await network.IpAsync(inPod, cancellationToken);
        return pod;
    }
}
