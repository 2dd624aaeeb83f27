using System.Net;
using System.Net.Sockets;
using Redirection;
using Ztunnel.Config;
using Ztunnel.Proxy;

namespace Ztunnel.Dns;

/// <summary>The bound sockets of one pod's DNS: UDP and TCP at each of its addresses.</summary>
internal sealed class DnsSockets : IDisposable
{
    private readonly List<Socket> _udp = [];
    private readonly List<TransparentListener> _tcp = [];
    private readonly List<string> _warnings = [];

    private DnsSockets()
    {
    }

    /// <summary>Bound UDP sockets.</summary>
    public IReadOnlyList<Socket> Udp => _udp;

    /// <summary>Listening TCP sockets, in the same order.</summary>
    public IReadOnlyList<TransparentListener> Tcp => _tcp;

    /// <summary>Options that are missing although they were asked for.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>Binds all; nothing is left open on failure.</summary>
    /// <exception cref="ListenException">A port is taken; the message names the address.</exception>
    /// <exception cref="IOException">The namespace cannot be entered.</exception>
    public static DnsSockets Open(ProxyOptions options, Netns? netns)
    {
        var sockets = new DnsSockets();
        var ready = false;
        try
        {
            int port = options.DnsAddress.Port;
            foreach (var address in AddressesOf(options, netns))
            {
                port = sockets.Add(new IPEndPoint(address, port), options, netns);
            }

            ready = true;
            return sockets;
        }
        finally
        {
            if (!ready)
            {
                sockets.Dispose();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var socket in _udp)
        {
            socket.ReleasePort();
        }

        foreach (var listener in _tcp)
        {
            listener.Dispose();
        }
    }

    private static IEnumerable<IPAddress> AddressesOf(ProxyOptions options, Netns? netns)
    {
        if (options.DnsAddress.Address is { } only)
        {
            return [only];
        }

        var hasIpv6 = options.Ipv6Enabled && (netns?.HasIpv6Loopback() ?? Netns.CurrentHasIpv6Loopback());
        return hasIpv6 ? [IPAddress.Loopback, IPAddress.IPv6Loopback] : [IPAddress.Loopback];
    }

    /// <summary>Binds UDP first: all others take its port, should it be one that the kernel chose.</summary>
    private int Add(IPEndPoint address, ProxyOptions options, Netns? netns)
    {
        // A successor binds beside us in pods only; a dedicated proxy whose port is taken is there twice.
        var reusePort = netns is not null && options.InPodPortReuse;
        try
        {
            var udp = DatagramSocket.Bind(address, options.PacketMark, reusePort, netns, out var warning);
            _udp.Add(udp);
            address = (IPEndPoint)udp.LocalEndPoint!;
            var tcp = TransparentListener.Open(
                new ListenerOptions(
                    address,
                    options.PacketMark,
                    reusePort,
                    Transparent: false,
                    netns is null ? ListenerOptions.DedicatedBacklog : ListenerOptions.SharedBacklog),
                netns);
            _tcp.Add(tcp);
            _warnings.AddRange(((string?[])[warning, tcp.Warning]).OfType<string>());
            return address.Port;
        }
        catch (SocketException e)
        {
            throw new ListenException($"failed to bind to address {address}: {OutboundErrors.Io(e)}", e);
        }
    }
}
