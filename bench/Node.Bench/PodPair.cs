using System.Net;
using Ztunnel.Demo;

namespace Node.Bench;

/// <summary>Two pods with a wire between them, and a folder for files. Nothing of it is left after disposal.</summary>
/// <remarks>Each peer has a pair of its own, so one peer's redirection rules cost the others nothing.</remarks>
internal sealed class PodPair : IAsyncDisposable
{
    /// <summary>Where the servers listen, which no client may take.</summary>
    public const int EchoPort = 7007;

    /// <inheritdoc cref="EchoPort"/>
    public const int IperfPort = 5201;

    /// <summary>The other ports that are somebody's: HAProxy's and ours.</summary>
    private const string OtherPorts = "17007,15201,15000-15090";

    /// <summary>New connections come faster than the kernel forgets closed ones.</summary>
    private const int TimeWaitBuckets = 1_024;

    private readonly RunPrefix _prefix;
    private readonly List<NetworkNamespace> _namespaces = [];

    private PodPair(RunPrefix prefix)
    {
        _prefix = prefix;
        Folder = Directory.CreateTempSubdirectory($"{prefix}-").FullName;
    }

    /// <summary>Address of the client's pod.</summary>
    public static IPAddress SourceAddress { get; } = IPAddress.Parse("10.77.0.1");

    /// <summary>Address of the server's pod.</summary>
    public static IPAddress DestinationAddress { get; } = IPAddress.Parse("10.77.0.2");

    /// <summary>Address of a gateway for the source.</summary>
    public static IPAddress GatewayAddress { get; } = IPAddress.Parse("10.77.1.2");

    /// <summary>Address of the server's pod for a gateway.</summary>
    public static IPAddress BehindGatewayAddress { get; } = IPAddress.Parse("10.77.2.2");

    /// <summary>Where the clients run, and the proxy at their end.</summary>
    public NetworkNamespace Source { get; private set; } = null!;

    /// <summary>Where the servers run, and the proxy at their end.</summary>
    public NetworkNamespace Destination { get; private set; } = null!;

    /// <summary>For configuration and certificates.</summary>
    public string Folder { get; }

    public static async Task<PodPair> CreateAsync(CancellationToken cancellationToken)
    {
        var pair = new PodPair(RunPrefix.Next());
        try
        {
            pair.Source = await pair.AddAsync("a", cancellationToken);
            pair.Destination = await pair.AddAsync("b", cancellationToken);
            await pair.Source.IpAsync(
                [
                    $"link add eth0 type veth peer name eth0 netns {pair.Destination.Name}",
                    $"address add {SourceAddress}/24 dev eth0",
                    "link set eth0 up",
                ],
                cancellationToken);
            await pair.Destination.IpAsync(
                [$"address add {DestinationAddress}/24 dev eth0", "link set eth0 up"], cancellationToken);
            return pair;
        }
        catch
        {
            await pair.DisposeAsync();
            throw;
        }
    }

    /// <summary>Adds a third pod with a wire to each of the two.</summary>
    public async Task<NetworkNamespace> AddGatewayAsync(CancellationToken cancellationToken)
    {
        var gateway = await AddAsync("g", cancellationToken);
        await gateway.IpAsync(
            [
                $"link add eth0 type veth peer name eth1 netns {Source.Name}",
                $"link add eth1 type veth peer name eth1 netns {Destination.Name}",
                $"address add {GatewayAddress}/24 dev eth0",
                "address add 10.77.2.1/24 dev eth1",
                "link set eth0 up",
                "link set eth1 up",
            ],
            cancellationToken);
        await Source.IpAsync(["address add 10.77.1.1/24 dev eth1", "link set eth1 up"], cancellationToken);
        await Destination.IpAsync(
            [$"address add {BehindGatewayAddress}/24 dev eth1", "link set eth1 up"], cancellationToken);
        return gateway;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var network in _namespaces)
        {
            await network.DisposeAsync();
        }

        Directory.Delete(Folder, recursive: true);
    }

    private async Task<NetworkNamespace> AddAsync(string name, CancellationToken cancellationToken)
    {
        var network = await NetworkNamespace.CreateAsync(_prefix.Name(name), Settings(), cancellationToken);
        _namespaces.Add(network);
        return network;
    }

    private static List<string> Settings()
    {
        var pod = new TopologyOptions { IPv6 = false, TimeWaitBuckets = TimeWaitBuckets, LocalPorts = (1_024, 65_535) };
        return
        [
            .. pod.PodSettings(),
            FormattableString.Invariant($"net.ipv4.ip_local_reserved_ports={EchoPort},{IperfPort},{OtherPorts}"),
            "net.ipv4.tcp_tw_reuse=1",
        ];
    }
}
