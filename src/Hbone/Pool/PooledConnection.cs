using Hbone.Http2;

namespace Hbone.Pool;

/// <summary>A connection in the pool and how many tunnels may still join it. Guarded by the lock of its slot.</summary>
internal sealed class PooledConnection(Http2Connection connection, int maxStreams, TimeProvider time)
{
    private int _tunnels;
    private long _lastUsed = time.GetTimestamp();

    public Http2Connection Connection { get; } = connection;

    /// <summary>Takes a place; false when there is none, or the connection is no longer good.</summary>
    /// <param name="peerLimit">What the peer allows, until it has said so on this connection.</param>
    public bool TryJoin(int peerLimit)
    {
        if (_tunnels >= Math.Min(maxStreams, Connection.PeerMaxStreams ?? peerLimit) || !Connection.IsOpen)
        {
            return false;
        }

        _tunnels++;
        _lastUsed = time.GetTimestamp();
        return true;
    }

    /// <summary>Gives a place back.</summary>
    public void Leave()
    {
        _tunnels--;
        _lastUsed = time.GetTimestamp();
    }

    /// <summary>Whether no tunnel has used the connection for so long.</summary>
    public bool IsUnusedFor(TimeSpan limit) => _tunnels == 0 && time.GetElapsedTime(_lastUsed) >= limit;
}
