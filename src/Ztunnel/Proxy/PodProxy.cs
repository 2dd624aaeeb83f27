using System.Net.Sockets;
using Hbone.Memory;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Dns;
using Ztunnel.InPod;
using Ztunnel.Mesh;
using Ztunnel.Proxy.Socks;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>
/// All of one pod: its listeners, its connections and its pool. Listeners are bound from the beginning, so that a port in use
/// is noticed, and accept from <see cref="Start"/> until the drain starts.
/// </summary>
internal sealed class PodProxy : IPodServer
{
    private readonly PodListeners _listeners;
    private readonly DnsProxy? _dns;
    private readonly ProxyServices _services;
    private readonly Drain _drain;
    private readonly ActiveConnections _active;
    private readonly PodAdmission _admission;
    private readonly OutboundProxy _outbound;
    private readonly SocksProxy _socks;
    private readonly InboundProxy _inbound;
    private readonly InboundPassthrough _passthrough;
    private readonly LocalPod _pod;
    private readonly ILogger<AcceptLoop> _logger;
    private Task _accepting = Task.CompletedTask;
    private bool _started;

    private PodProxy(
        PodListeners listeners, DnsProxy? dns, ProxyServices services, WorkloadInfo info, Netns? netns, Drain drain)
    {
        _dns = dns;
        _listeners = listeners;
        _services = services;
        _drain = drain;
        var options = services.Options;
        _logger = services.Loggers.CreateLogger<AcceptLoop>();
        _admission = new PodAdmission(options.PodMaxConnections, options.PodMaxConnectionRate, services.Time);
        _active = new ActiveConnections(services.Loggers.CreateLogger<ActiveConnections>());
        var memory = new MemoryBudget(options.PodMemory, services.Memory);
        _pod = new LocalPod(info, services.Mesh, services.OnDemand, memory, netns);
        services.Pods.Add(_pod, _active, _admission);
        services.MissingPolicies.Watch(info);
        _outbound = new OutboundProxy(services, _pod, drain);
        _socks = new SocksProxy(services, drain, _outbound, dns?.Names);
        _inbound = new InboundProxy(services, _pod, drain, TryRunRequest, listeners.Inbound.IsTransparent);
        _passthrough = new InboundPassthrough(services, _pod, drain, listeners.Plaintext is { IsTransparent: true });
    }

    /// <inheritdoc/>
    public ConnectionTable Connections => _pod.Connections;

    /// <summary>Binds the pod's listeners in their order: DNS, 15008, 15006, 15001, 15080.</summary>
    /// <param name="services">What all pods share.</param>
    /// <param name="info">The pod.</param>
    /// <param name="drain">When to stop.</param>
    /// <param name="netns">Namespace of the pod, lent; null for the process's own.</param>
    /// <exception cref="ListenException">A port is taken; the message names it.</exception>
    public static PodProxy Bind(ProxyServices services, WorkloadInfo info, Drain drain, Netns? netns = null)
    {
        var dns = BindDns(services, info, drain, netns);
        PodListeners? listeners = null;
        try
        {
            listeners = PodListeners.Bind(services.Options, netns);
            return new PodProxy(listeners, dns, services, info, netns, drain);
        }
        catch
        {
            listeners?.Dispose();
            dns?.CloseSockets();
            throw;
        }
    }

    /// <summary>Binds port 15008 of the proxy's own pod, behind which peers find its metrics.</summary>
    /// <exception cref="ListenException">The port is taken.</exception>
    public static PodProxy BindOwn(ProxyServices services, WorkloadInfo info, Drain drain)
    {
        var listeners = PodListeners.BindOwn(services.Options);
        try
        {
            return new PodProxy(listeners, dns: null, services, info, netns: null, drain);
        }
        catch
        {
            listeners.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Start()
    {
        _started = true;
        _dns?.Start();
        (TransparentListener? Listener, string Component, Func<Socket, Task> Serve)[] ways =
        [
            (_listeners.Inbound, "inbound", _inbound.ServeAsync),
            (_listeners.Plaintext, "inbound plaintext", _passthrough.ServeAsync),
            (_listeners.Outbound, "outbound", _outbound.ServeAsync),
            (_listeners.Socks, "socks5", _socks.ServeAsync),
        ];
        var loops = new List<Task>();
        foreach (var (bound, component, serve) in ways)
        {
            if (bound is not { } listener)
            {
                continue;
            }

            if (listener.Warning is { } warning)
            {
                _logger.SocketOptionMissing(warning);
            }

            var loop = new AcceptLoop(listener, component, socket => Run(socket, component, serve), _logger);
            loops.Add(loop.RunAsync(_drain));
        }

        _accepting = Task.WhenAll(loops);
    }

    /// <inheritdoc/>
    public void CloseListeners()
    {
        _listeners.Dispose();
        _dns?.CloseSockets();
    }

    /// <inheritdoc/>
    public async Task WhenDrainedAsync()
    {
        if (!_started)
        {
            CloseListeners(); // nobody else would: no loop has begun
        }

        await _accepting;
        await _active.WhenAllClosedAsync();
        await (_dns?.WhenDrainedAsync() ?? Task.CompletedTask);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _outbound.DisposeAsync();
        if (_dns is { } dns)
        {
            await dns.DisposeAsync();
        }

        _services.Pods.Remove(_pod);
        _services.MissingPolicies.Forget(_pod.Info);
        _listeners.Dispose();
    }

    private static DnsProxy? BindDns(ProxyServices services, WorkloadInfo info, Drain drain, Netns? netns)
    {
        try
        {
            return services.Dns is { } dns ? DnsProxy.Bind(dns, info, netns, drain) : null;
        }
        catch (IOException e)
        {
            throw new ListenException($"failed to start DNS: {e.Message}", e);
        }
    }

    private void Run(Socket socket, string component, Func<Socket, Task> serve)
    {
        if (!MayBegin(component))
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0); // RST: nothing of it was read
            socket.Dispose();
            return;
        }

        _active.Run(() => serve(socket));
    }

    private bool TryRunRequest(Func<Task> serve)
    {
        if (!MayBegin("inbound request"))
        {
            return false;
        }

        _active.Run(serve);
        return true;
    }

    private bool MayBegin(string component)
    {
        if (_admission.Refusal(_active.Count) is not { } reason)
        {
            return true;
        }

        if (_admission.MayReport())
        {
            _logger.ConnectionRefused(component, _pod.Info, reason);
        }

        return false;
    }
}
