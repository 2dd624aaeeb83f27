using System.Globalization;
using System.Net;

namespace Redirection.Tests.Support;

/// <summary>
/// A pod and the rest of the world: two network namespaces joined by a cable. The peer is the pod's gateway and has
/// addresses beyond the link, the kubelet's probe addresses among them.
/// </summary>
public sealed class PodPair : IDisposable
{
    private const string ProbeAddress = "169.254.7.127";
    private const string ProbeAddressIpv6 = "fd16:9254:7127:1337:ffff:ffff:ffff:ffff";

    private static int _count;

    private readonly string _prefix = string.Create(
        CultureInfo.InvariantCulture, $"rdr-{Environment.ProcessId}-{Interlocked.Increment(ref _count)}");

    private readonly Netns? _pod;
    private readonly Netns? _peer;

    public PodPair()
    {
        Root.Require();
        var ready = false;
        try
        {
            Command.Run("ip", "-batch -", $"""
                netns add {PodName}
                netns add {PeerName}
                link add eth0 netns {PodName} type veth peer name eth0 netns {PeerName}

                """);
            Configure(PeerName, $"""
                link set lo up
                addr add 10.77.0.1/24 dev eth0
                addr add fd77::1/64 dev eth0 nodad
                addr add 10.99.9.9/32 dev lo
                addr add fd99::9/128 dev lo
                addr add {ProbeAddress}/32 dev lo
                addr add {ProbeAddressIpv6}/128 dev lo
                link set eth0 up
                """);
            Configure(PodName, """
                link set lo up
                addr add 10.77.0.2/24 dev eth0
                addr add fd77::2/64 dev eth0 nodad
                link set eth0 up
                route add default via 10.77.0.1
                route add default via fd77::1
                """);
            _pod = Netns.Open($"/var/run/netns/{PodName}");
            _peer = Netns.Open($"/var/run/netns/{PeerName}");

            // As CNI plugins do: a strict check would drop what comes over lo from a preserved source.
            _pod.Run(static () => File.WriteAllText("/proc/sys/net/ipv4/conf/all/rp_filter", "0"));
            _pod.Run(static () => File.WriteAllText("/proc/sys/net/ipv4/conf/lo/rp_filter", "0"));
            WaitForItself(_pod, PodAddress(ipv6: true));
            WaitForItself(_peer, IPAddress.Parse("fd77::1"));
            ready = true;
        }
        finally
        {
            if (!ready)
            {
                Dispose(); // nobody else will: there is no object yet
            }
        }
    }

    public string PodName => $"{_prefix}-pod";

    public Netns Pod => _pod!;

    public Netns Peer => _peer!;

    private string PeerName => $"{_prefix}-peer";

    /// <summary>The pod's own address.</summary>
    public static IPAddress PodAddress(bool ipv6) => IPAddress.Parse(ipv6 ? "fd77::2" : "10.77.0.2");

    /// <summary>An address of the peer that is not on the link.</summary>
    public static IPAddress FarAddress(bool ipv6) => IPAddress.Parse(ipv6 ? "fd99::9" : "10.99.9.9");

    /// <summary>An address that is nobody's, routed towards the peer.</summary>
    public static IPAddress ForeignAddress(bool ipv6) => IPAddress.Parse(ipv6 ? "fd98::5" : "10.98.0.5");

    /// <summary>The source of the kubelet's health probes, an address of the peer.</summary>
    public static IPAddress Probe(bool ipv6) => IPAddress.Parse(ipv6 ? ProbeAddressIpv6 : ProbeAddress);

    /// <summary>Output of a program run inside the pod.</summary>
    public string RunInPod(string command, string input = "") =>
        Command.Run("ip", $"netns exec {PodName} {command}", input);

    /// <summary>Output of a program run outside the pod.</summary>
    public string RunInPeer(string command, string input = "") =>
        Command.Run("ip", $"netns exec {PeerName} {command}", input);

    public void Dispose()
    {
        _pod?.Dispose();
        _peer?.Dispose();
        Delete(PodName);
        Delete(PeerName);
    }

    private static void Delete(string name)
    {
        if (File.Exists($"/var/run/netns/{name}"))
        {
            Command.Run("ip", $"netns del {name}");
        }
    }

    /// <summary>The kernel routes an IPv6 address to itself some time after the link is up; before, it asks the link.</summary>
    private static void WaitForItself(Netns netns, IPAddress address) => Assert.True(
        SpinWait.SpinUntil(() => IsLocal(netns, address), TimeSpan.FromSeconds(5)), $"{address} does not come up");

    /// <summary>Looks for RTF_LOCAL in the flags, the ninth column; the address is the first.</summary>
    private static bool IsLocal(Netns netns, IPAddress address)
    {
        const uint LocalRoute = 0x8000_0000;
        var routes = netns.Run(static () => File.ReadAllLines("/proc/thread-self/net/ipv6_route"));
        return routes.Select(route => route.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Any(
            columns => columns[0].Equals(Convert.ToHexString(address.GetAddressBytes()), StringComparison.OrdinalIgnoreCase)
                && (uint.Parse(columns[8], NumberStyles.HexNumber, CultureInfo.InvariantCulture) & LocalRoute) != 0);
    }

    private static void Configure(string name, string batch) => Command.Run("ip", $"-n {name} -batch -", batch + "\n");
}
