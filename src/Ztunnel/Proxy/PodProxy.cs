using System.Net;
using System.Net.Sockets;
using Hbone.Memory;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Config;
using Ztunnel.Mesh;

namespace Ztunnel.Proxy;

/// <summary>
/// All of one pod: its listeners, its connections and its pool. Listeners are bound by <see cref="Bind"/>, so that a port
/// in use fails the start, and accept from <see cref="Start"/> until the drain starts.
/// </summary>
internal sealed class PodProxy : IAsyncDisposable
{
    private const int DedicatedBacklog = 1024;

    private readonly List<(TransparentListener Listener, string Component)> _listeners;
    private readonly ProxyServices _services;
    private readonly Drain _drain;
    private readonly ActiveConnections _active;
    private readonly OutboundProxy _outbound;
    private readonly InboundProxy _inbound;
    private readonly InboundPassthrough _passthrough;
    private readonly MemoryBudget _memory;
    private readonly WorkloadInfo _info;
    private Task _accepting = Task.CompletedTask;

    private PodProxy(
        List<(TransparentListener Listener, string Component)> listeners,
        ProxyServices services,
        WorkloadInfo info,
        Drain drain)
    {
        _listeners = listeners;
        _services = services;
        _drain = drain;
        _active = new ActiveConnections(services.Loggers.CreateLogger<ActiveConnections>());
        _memory = new MemoryBudget(services.Options.PodMemory, services.Memory);
        services.Buffers.Add($"{info.Namespace}/{info.Name}", _memory);
        _info = info;
        services.MissingPolicies.Watch(info);
        var pod = new LocalPod(info, services.Mesh, _memory);
        _outbound = new OutboundProxy(services, pod, drain);
        _inbound = new InboundProxy(services, pod, drain, _active, PreservesSource(listeners[0]));
        _passthrough = new InboundPassthrough(services, pod, drain, PreservesSource(listeners[1]));
    }

    /// <summary>Binds the pod's listeners in their order: 15008, 15006, 15001.</summary>
    /// <exception cref="ListenException">A port is taken; the message names it.</exception>
    public static PodProxy Bind(ProxyServices services, WorkloadInfo info, Drain drain)
    {
        var options = services.Options;
        var listeners = new List<(TransparentListener, string)>();
        try
        {
            listeners.Add((Listen(options, options.InboundPort), "inbound"));
            listeners.Add((Listen(options, options.InboundPlaintextPort), "inbound plaintext"));
            listeners.Add((Listen(options, options.OutboundPort), "outbound"));
            return new PodProxy(listeners, services, info, drain);
        }
        catch
        {
            foreach (var (listener, _) in listeners)
            {
                listener.Dispose();
            }

            throw;
        }
    }

    /// <summary>Starts to accept.</summary>
    public void Start()
    {
        var logger = _services.Loggers.CreateLogger<AcceptLoop>();
        Func<Socket, Task>[] serve = [_inbound.ServeAsync, _passthrough.ServeAsync, _outbound.ServeAsync];
        var loops = new List<Task>();
        foreach (var ((listener, component), connection) in _listeners.Zip(serve))
        {
            if (listener.Warning is { } warning)
            {
                logger.SocketOptionMissing(warning);
            }

            var loop = new AcceptLoop(
                listener, component, socket => _active.Run(() => connection(socket)), logger);
            loops.Add(loop.RunAsync(_drain));
        }

        _accepting = Task.WhenAll(loops);
    }

    /// <summary>Completes when the drain has started and the last connection is over.</summary>
    public async Task WhenDrainedAsync()
    {
        await _accepting;
        await _active.WhenAllClosedAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _outbound.DisposeAsync();
        _services.Buffers.Remove(_memory);
        _services.MissingPolicies.Forget(_info);
        foreach (var (listener, _) in _listeners)
        {
            listener.Dispose();
        }
    }

    private static bool PreservesSource((TransparentListener Listener, string Component) bound) =>
        bound.Listener.IsTransparent;

    private static TransparentListener Listen(ProxyOptions options, int port)
    {
        var address = new IPEndPoint(options.AnyAddress, port);
        try
        {
            return TransparentListener.Open(new ListenerOptions(
                address, Mark: null, ReusePort: false, options.OriginalSource, DedicatedBacklog));
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            throw new ListenException($"failed to bind to address {address}: {OutboundErrors.Io(e)}", e);
        }
    }
}

/// <summary>A listener that could not be opened; the message names its address.</summary>
internal sealed class ListenException(string message, Exception innerException) : Exception(message, innerException);
