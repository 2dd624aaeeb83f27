using System.Net.Sockets;
using Hbone.Proxying;
using Ztunnel.Mesh;
using Ztunnel.Policy;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>
/// One inbound connection while policy may still end it. Its owner disposes it when the connection is over; closing it
/// is what <see cref="LiveConnections"/> does.
/// </summary>
internal sealed class LiveConnection : IDisposable
{
    private const int Open = 0;
    private const int Closing = 1;
    private const int Closed = 2;
    private const int Disposed = 3;

    private readonly LiveConnections _registry;
    private readonly CancellationTokenSource _ended;

    // Moves by exchange: the connection may be over while it is being closed.
    private int _state;
    private volatile bool _isClosed;

    /// <param name="registry">Where it is registered.</param>
    /// <param name="pod">The pod that it reached.</param>
    /// <param name="destination">The pod's workload.</param>
    /// <param name="input">What policies look at.</param>
    /// <param name="forced">Ends every connection.</param>
    public LiveConnection(
        LiveConnections registry, WorkloadInfo pod, Workload destination, in PolicyInput input, CancellationToken forced)
    {
        _registry = registry;
        _ended = CancellationTokenSource.CreateLinkedTokenSource(forced);
        Ended = _ended.Token;
        Pod = pod;
        Destination = destination;
        Input = input;
    }

    /// <summary>The pod that it reached.</summary>
    public WorkloadInfo Pod { get; }

    /// <summary>What policies look at.</summary>
    public PolicyInput Input { get; }

    /// <summary>The pod's workload as last seen. Once registered, only the walk over all connections writes it.</summary>
    public Workload Destination { get; set; }

    /// <summary>Fires when the connection has to end: by policy, or because everything has to.</summary>
    public CancellationToken Ended { get; }

    /// <summary>Whether policy has ended it.</summary>
    public bool IsClosed => _isClosed;

    /// <summary>What the access log says about a connection that policy has ended.</summary>
    public static ProxyException NoLongerAllowed() =>
        new(ConnectionFailure.Deny, "connection closed due to policy change");

    /// <summary>
    /// Closes a socket when the connection has to end; with RST if it was policy, since more was to come.
    /// </summary>
    public CancellationTokenRegistration CloseAtEnd(Socket socket) => Ended.UnsafeRegister(
        static state =>
        {
            var (live, socket) = ((LiveConnection, Socket))state!;
            if (live.IsClosed)
            {
                SocketReset.Now(socket);
            }
            else
            {
                socket.Dispose();
            }
        },
        (this, socket));

    /// <summary>Ends the connection.</summary>
    /// <returns>Whether it was neither closed nor over before.</returns>
    public bool Close()
    {
        if (Interlocked.CompareExchange(ref _state, Closing, Open) != Open)
        {
            return false;
        }

        _isClosed = true;
        _ended.Cancel();
        if (Interlocked.CompareExchange(ref _state, Closed, Closing) == Disposed)
        {
            _ended.Dispose();
        }

        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _registry.Remove(this);
        if (Interlocked.Exchange(ref _state, Disposed) is Open or Closed)
        {
            _ended.Dispose(); // else Close does, when it has come back from its callbacks
        }
    }
}
