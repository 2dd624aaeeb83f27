using System.Net;
using Hbone.Tls;

namespace Ztunnel.Proxy;

/// <summary>
/// How many connections one peer has to one pod: by address while it is still a stranger, by address and identity once it
/// has proved one. Keeps one peer from using up the descriptors and memory of all. Any thread.
/// </summary>
internal sealed class PeerLimits(int maxHandshakes, int maxConnections)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, int> _handshakes = [];
    private readonly Dictionary<(IPAddress Address, SpiffeId? Identity), int> _connections = [];

    /// <summary>Counts a handshake that begins; false when the address has too many.</summary>
    public bool TryBeginHandshake(IPAddress address) => TryAdd(_handshakes, address, maxHandshakes);

    /// <summary>The handshake is over, well or not.</summary>
    public void EndHandshake(IPAddress address) => Remove(_handshakes, address);

    /// <summary>Counts a connection; false when the peer has too many.</summary>
    public bool TryAddConnection(IPAddress address, SpiffeId? identity) =>
        TryAdd(_connections, (address, identity), maxConnections);

    /// <summary>The connection is over.</summary>
    public void RemoveConnection(IPAddress address, SpiffeId? identity) => Remove(_connections, (address, identity));

    private bool TryAdd<TKey>(Dictionary<TKey, int> counts, TKey key, int limit)
        where TKey : notnull
    {
        lock (_gate)
        {
            var count = counts.GetValueOrDefault(key);
            if (count >= limit)
            {
                return false;
            }

            counts[key] = count + 1;
            return true;
        }
    }

    private void Remove<TKey>(Dictionary<TKey, int> counts, TKey key)
        where TKey : notnull
    {
        lock (_gate)
        {
            var left = counts[key] - 1;
            if (left == 0)
            {
                counts.Remove(key);
            }
            else
            {
                counts[key] = left;
            }
        }
    }
}
