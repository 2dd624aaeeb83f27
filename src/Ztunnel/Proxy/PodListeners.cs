using System.Net;
using System.Net.Sockets;
using Redirection;
using Ztunnel.Config;

namespace Ztunnel.Proxy;

/// <summary>The bound listeners of one pod.</summary>
internal sealed class PodListeners : IDisposable
{
    private readonly List<TransparentListener> _all = [];

    private PodListeners(TransparentListener inbound)
    {
        Inbound = inbound;
        _all.Add(inbound);
    }

    /// <summary>Port 15008.</summary>
    public TransparentListener Inbound { get; }

    /// <summary>Port 15006; null where nothing is redirected.</summary>
    public TransparentListener? Plaintext { get; private set; }

    /// <summary>Port 15001; null where nothing is redirected.</summary>
    public TransparentListener? Outbound { get; private set; }

    /// <summary>Port 15080 of 127.0.0.1; null where SOCKS is not enabled.</summary>
    public TransparentListener? Socks { get; private set; }

    /// <summary>Binds 15008, 15006, 15001 and 15080, in this order.</summary>
    /// <param name="options">Ports, mark and port reuse.</param>
    /// <param name="netns">Namespace of the pod; null for a dedicated proxy, which is in it.</param>
    /// <exception cref="ListenException">A port is taken; the message names it.</exception>
    public static PodListeners Bind(ProxyOptions options, Netns? netns)
    {
        var template = new ListenerOptions(
            new IPEndPoint(options.AnyAddress, 0),
            netns is null ? null : options.PacketMark,
            netns is not null && options.InPodPortReuse,
            options.OriginalSource,
            netns is null ? ListenerOptions.DedicatedBacklog : ListenerOptions.SharedBacklog)
        {
            Keepalive = options.KeepAlive,
        };
        var fromApplications = template with { IsLoopbackHop = true };
        var listeners = new PodListeners(Open(template, options.InboundPort, netns));
        try
        {
            listeners.Plaintext = listeners.Add(Open(template, options.InboundPlaintextPort, netns));
            listeners.Outbound = listeners.Add(Open(fromApplications, options.OutboundPort, netns));
            if (options.Socks5Enabled)
            {
                var socks = fromApplications with { Address = new IPEndPoint(IPAddress.Loopback, 0), Transparent = false };
                listeners.Socks = listeners.Add(Open(socks, options.Socks5Port, netns));
            }

            return listeners;
        }
        catch
        {
            listeners.Dispose();
            throw;
        }
    }

    /// <summary>Binds 15008 of the proxy's own pod, where nothing is redirected.</summary>
    /// <exception cref="ListenException">The port is taken.</exception>
    public static PodListeners BindOwn(ProxyOptions options)
    {
        var template = new ListenerOptions(
            new IPEndPoint(options.AnyAddress, 0), Mark: null, ReusePort: false, Transparent: false, ListenerOptions.SharedBacklog)
        {
            Keepalive = options.KeepAlive,
        };
        return new PodListeners(Open(template, options.InboundPort, netns: null));
    }

    /// <summary>Closes them; connections that wait on them are reset.</summary>
    public void Dispose()
    {
        foreach (var listener in _all)
        {
            listener.Dispose();
        }
    }

    private static TransparentListener Open(ListenerOptions template, int port, Netns? netns)
    {
        var address = new IPEndPoint(template.Address.Address, port);
        try
        {
            return TransparentListener.Open(template with { Address = address }, netns);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            throw new ListenException($"failed to bind to address {address}: {OutboundErrors.Io(e)}", e);
        }
    }

    private TransparentListener Add(TransparentListener listener)
    {
        _all.Add(listener);
        return listener;
    }
}

/// <summary>A listener that could not be opened; the message names its address.</summary>
internal sealed class ListenException(string message, Exception innerException) : Exception(message, innerException);
