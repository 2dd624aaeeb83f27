using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Protos.Zds;

namespace Ztunnel.Cni;

/// <summary>
/// A stand-in for the side of Istio's CNI agent that talks to proxies, for machines without Kubernetes: it knows pods,
/// tells each proxy that connects about all of them, the newest one about further ones, and all of them about deletions.
/// </summary>
internal sealed class CniServer : IAsyncDisposable
{
    private const int Backlog = 16;

    private readonly CniServerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<CniServer> _logger;
    private readonly Socket _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    // Guards the three below.
    private readonly Lock _lock = new();
    private readonly OrderedDictionary<string, CniPod> _pods = [];
    private readonly List<CniConnection> _connections = []; // the newest last
    private readonly List<Task> _serving = [];

    private CniServer(CniServerOptions options, Socket listener, TimeProvider time, ILogger<CniServer> logger)
    {
        _options = options;
        _time = time;
        _listener = listener;
        _logger = logger;
        _accepting = AcceptAsync();
    }

    /// <summary>The pods that a proxy would hear of if it connected now, oldest first.</summary>
    public IReadOnlyList<CniPod> Pods
    {
        get
        {
            lock (_lock)
            {
                return [.. _pods.Values];
            }
        }
    }

    /// <summary>Proxies that are connected, those included that have not said hello yet.</summary>
    public int ConnectionCount
    {
        get
        {
            lock (_lock)
            {
                return _connections.Count;
            }
        }
    }

    /// <summary>Listens and begins to serve proxies.</summary>
    /// <exception cref="IOException">The path is in use, by another server or for something else.</exception>
    /// <exception cref="SocketException">One cannot listen there.</exception>
    public static async Task<CniServer> StartAsync(
        CniServerOptions options, TimeProvider time, ILogger<CniServer> logger, CancellationToken cancellationToken)
    {
        await SocketFile.RemoveStaleAsync(options.Path, SocketType.Seqpacket, cancellationToken);
        var listener = SeqpacketSocket.Listen(options.Path, Backlog);
        try
        {
            // Whoever connects gets descriptors of all pods' networks.
            SocketFile.LimitToOwner(options.Path);
        }
        catch
        {
            listener.Dispose();
            throw;
        }

        logger.Listening(options.Path);
        return new CniServer(options, listener, time, logger);
    }

    /// <summary>Makes a pod known and has the newest proxy enrol it. It stays known when that fails.</summary>
    /// <param name="pod">
    /// Given. Without a namespace, proxies that connect from now on are told to keep it; nothing is sent at once. A pod of
    /// the same uid is replaced.
    /// </param>
    /// <param name="cancellationToken">Stops waiting for the ack.</param>
    /// <exception cref="ArgumentException">Its names do not fit into one packet.</exception>
    /// <exception cref="CniException">No proxy is there, or the newest failed.</exception>
    public async Task AddAsync(CniPod pod, CancellationToken cancellationToken)
    {
        var request = pod.ToRequest();
        if (request.CalculateSize() > CniConnection.LongestPacket)
        {
            pod.Netns?.Dispose();
            throw new ArgumentException($"the names of the pod do not fit into {CniConnection.LongestPacket} bytes");
        }

        CniConnection? newest;
        lock (_lock)
        {
            if (_pods.TryGetValue(pod.Uid, out var former))
            {
                former.Netns?.Dispose();
            }

            _pods[pod.Uid] = pod;
            newest = _connections.LastOrDefault();
        }

        if (pod.Netns is not null)
        {
            await (newest ?? throw CniException.NoConnection()).SendAsync(request, pod.Netns, cancellationToken);
        }
    }

    /// <summary>Forgets a pod, known or not, and has all proxies do so.</summary>
    /// <exception cref="CniException">Some of them failed.</exception>
    public async Task DeleteAsync(string uid, CancellationToken cancellationToken)
    {
        CniConnection[] connections;
        CniPod? pod;
        lock (_lock)
        {
            _pods.Remove(uid, out pod);
            connections = [.. _connections];
        }

        try
        {
            var request = new WorkloadRequest { Del = new DelWorkload { Uid = uid } };
            if (request.CalculateSize() > CniConnection.LongestPacket)
            {
                throw new ArgumentException($"the uid does not fit into {CniConnection.LongestPacket} bytes");
            }

            var failures = await Task.WhenAll(connections.Select(
                connection => TrySendAsync(connection, request, cancellationToken)));
            CniException[] real = [.. failures.OfType<CniException>()];
            if (real.Length > 0)
            {
                throw CniException.Joined(real);
            }
        }
        finally
        {
            pod?.Netns?.Dispose(); // after an add that was still on its way
        }
    }

    /// <summary>Closes all connections, as a restart of the agent does: proxies keep their pods.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync();
        await _accepting;
        Task[] serving;
        lock (_lock)
        {
            serving = [.. _serving];
        }

        await Task.WhenAll(serving);
        foreach (var pod in Pods)
        {
            pod.Netns?.Dispose();
        }

        _stop.Dispose();
    }

    private static async Task<CniException?> TrySendAsync(
        CniConnection connection, WorkloadRequest request, CancellationToken cancellationToken)
    {
        try
        {
            await connection.SendAsync(request, netns: null, cancellationToken);
            return null;
        }
        catch (CniException e)
        {
            return e;
        }
    }

    private async Task AcceptAsync()
    {
        using var listener = _listener; // its path goes with it
        try
        {
            for (var number = 1; ; number++)
            {
                try
                {
                    var socket = SeqpacketSocket.FromAccepted(await listener.AcceptAsync(_stop.Token));
                    Register(new CniConnection(socket, number, _options, _time, _logger));
                }
                catch (SocketException e)
                {
                    _logger.AcceptFailed(OsError.Describe(e));
                }

                await Task.Delay(_options.AcceptInterval, _time, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The one way out.
        }
    }

    private void Register(CniConnection connection)
    {
        lock (_lock)
        {
            _connections.Add(connection);
            _serving.RemoveAll(task => task.IsCompletedSuccessfully);
            _serving.Add(ServeAsync(connection));
        }
    }

    private async Task ServeAsync(CniConnection connection)
    {
        await Task.Yield(); // called under the lock
        using (connection)
        {
            try
            {
                _logger.Connected(connection.Number);
                await connection.RunAsync(() => Pods, _stop.Token);
                _logger.Disconnected(connection.Number);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                _logger.Disconnected(connection.Number);
            }
            catch (Exception e) when (e is CniException or TimeoutException or IOException or SocketException)
            {
                _logger.Closed(connection.Number, OsError.Describe(e));
            }
            finally
            {
                lock (_lock)
                {
                    _connections.Remove(connection);
                }
            }
        }
    }
}
