using Hbone.Http2;
using Hbone.Tls;

namespace Hbone;

/// <summary>
/// Which certificates of peers are revoked now, for handshakes and for the connections that live. One object for all
/// endpoints that read the same lists; any thread may call it.
/// </summary>
public sealed class PeerRevocations
{
    private readonly Lock _gate = new();
    private readonly HashSet<Http2Connection> _tracked = [];
    private RevocationSet _current = RevocationSet.Empty;

    /// <summary>What handshakes are checked against.</summary>
    public RevocationSet Current => Volatile.Read(ref _current);

    /// <summary>Counts of connections that peers made to us.</summary>
    public PeerRevocationCounts Clients { get; } = new();

    /// <summary>Counts of connections that we made to peers.</summary>
    public PeerRevocationCounts Servers { get; } = new();

    /// <summary>Live connections that a new list can end.</summary>
    public int TrackedConnections
    {
        get
        {
            lock (_gate)
            {
                return _tracked.Count;
            }
        }
    }

    /// <summary>
    /// Puts other lists in force and ends the live connections whose peers they revoke. Connections have passed the lists
    /// that were there before, so only what is new is asked.
    /// </summary>
    public void Replace(RevocationSet next)
    {
        ArgumentNullException.ThrowIfNull(next);
        RevocationSet added;
        Http2Connection[] tracked;
        lock (_gate)
        {
            added = next.Without(_current);
            Volatile.Write(ref _current, next);
            tracked = added.Count == 0 ? [] : [.. _tracked];
        }

        foreach (var connection in tracked)
        {
            EndIfRevoked(connection, added);
        }
    }

    /// <summary>Watches a connection until it is over.</summary>
    /// <param name="connection">Started.</param>
    /// <param name="passed">The lists that its handshake was checked against.</param>
    internal void Track(Http2Connection connection, RevocationSet passed)
    {
        if (!connection.HasPeerChain)
        {
            CountsFor(connection.IsServer).AddUntracked();
            return;
        }

        RevocationSet current;
        lock (_gate)
        {
            _tracked.Add(connection);
            current = _current;
        }

        connection.Completion.GetAwaiter().UnsafeOnCompleted(() => Forget(connection));

        // Lists that came during the handshake have not seen the connection: either they find it in the set, or we them.
        if (current != passed)
        {
            EndIfRevoked(connection, current.Without(passed));
        }
    }

    internal void CountRefused(bool server) => CountsFor(server).AddRejected();

    private void EndIfRevoked(Http2Connection connection, RevocationSet lists)
    {
        if (connection.HasPeerRevokedBy(lists) && connection.TryRevoke())
        {
            CountsFor(connection.IsServer).AddRejected();
        }
    }

    private void Forget(Http2Connection connection)
    {
        lock (_gate)
        {
            _tracked.Remove(connection);
        }
    }

    private PeerRevocationCounts CountsFor(bool server) => server ? Clients : Servers;
}
