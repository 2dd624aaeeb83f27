using Hbone.Http2;

namespace Hbone.Pool;

/// <summary>The connections of one key, and the one attempt to make another that all its callers share.</summary>
internal sealed class PoolSlot
{
    private readonly Lock _gate = new();
    private readonly List<PooledConnection> _connections = [];
    private TaskCompletionSource<PooledConnection>? _attempt;
    private Task _connecting = Task.CompletedTask;
    private bool _retired;

    // What the peer said last, on any connection: a new one is not filled beyond it while its own SETTINGS are on their way.
    private int _peerLimit = int.MaxValue;

    /// <summary>
    /// Joins a connection with room, or says which attempt to wait for; neither when the slot is retired.
    /// </summary>
    /// <param name="connect">Makes a connection; called when no attempt is running.</param>
    /// <exception cref="HboneProtocolException">The peer allows no streams at all.</exception>
    public (PooledConnection? Joined, Task<PooledConnection>? Attempt) Join(Func<Task<PooledConnection>> connect)
    {
        TaskCompletionSource<PooledConnection> attempt;
        lock (_gate)
        {
            if (_retired)
            {
                return default;
            }

            // The fullest first would spare connections, but the first found keeps the order of their making.
            foreach (var connection in _connections)
            {
                Learn(connection.Connection);
                if (connection.TryJoin(_peerLimit))
                {
                    return (connection, null);
                }
            }

            ForgetClosed();
            if (_attempt is not null)
            {
                return (null, _attempt.Task);
            }

            attempt = _attempt = new TaskCompletionSource<PooledConnection>();
        }

        _connecting = ConnectAsync(connect, attempt);
        return (null, attempt.Task);
    }

    /// <summary>Whether any connection is open.</summary>
    public bool HasOpen()
    {
        lock (_gate)
        {
            return _connections.Exists(c => c.Connection.IsOpen);
        }
    }

    /// <summary>A tunnel of this connection is over.</summary>
    public void Leave(PooledConnection connection)
    {
        lock (_gate)
        {
            connection.Leave();
        }
    }

    /// <summary>Takes out what is broken or unused for so long.</summary>
    public List<PooledConnection> TakeUnused(TimeSpan limit)
    {
        lock (_gate)
        {
            var unused = _connections.FindAll(c => c.IsUnusedFor(limit));
            _connections.RemoveAll(unused.Contains);
            ForgetClosed();
            return unused;
        }
    }

    /// <summary>Closes the slot for good when nothing is in it; callers that still hold it get another.</summary>
    public bool TryRetire()
    {
        lock (_gate)
        {
            _retired = _connections.Count == 0 && _attempt is null;
            return _retired;
        }
    }

    /// <summary>Closes the slot for good, ends its attempt (whose token has fired) and takes out everything.</summary>
    public async Task<List<PooledConnection>> RetireAsync()
    {
        lock (_gate)
        {
            _retired = true;
        }

        await _connecting;
        lock (_gate)
        {
            List<PooledConnection> all = [.. _connections];
            _connections.Clear();
            return all;
        }
    }

    // Never fails: its waiters get the error.
    private async Task ConnectAsync(Func<Task<PooledConnection>> connect, TaskCompletionSource<PooledConnection> attempt)
    {
        try
        {
            var made = await connect();
            bool retired;
            lock (_gate)
            {
                _attempt = null;
                _connections.Add(made);
                retired = _retired;
            }

            if (retired)
            {
                await made.Connection.DisposeAsync();
            }

            attempt.SetResult(made);
        }
        catch (Exception e)
        {
            lock (_gate)
            {
                _attempt = null;
            }

            attempt.SetException(e);
            _ = attempt.Task.Exception; // its waiters may have given up
        }
    }

    // Under the lock. One that is going away stays until it is over: its tunnels live, and the pool's end is theirs.
    private void ForgetClosed() => _connections.RemoveAll(c => c.Connection.Completion.IsCompleted);

    private void Learn(Http2Connection connection)
    {
        if (connection.PeerMaxStreams is not { } limit)
        {
            return;
        }

        _peerLimit = limit;
        if (limit == 0 && connection.IsOpen)
        {
            // More connections would not help.
            var refusal = new Http2ConnectionException(
                Http2ErrorCode.RefusedStream, "peer allows no streams (MAX_CONCURRENT_STREAMS 0)");
            throw new HboneProtocolException($"h2 failed: {refusal.Message}", refusal) { IsUnprocessed = true };
        }
    }
}
