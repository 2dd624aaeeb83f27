using System.Collections.Immutable;
using Hbone.Tls;
using Ztunnel.Identity;
using Ztunnel.Mesh;

namespace Ztunnel.Proxy;

/// <summary>
/// Has the certificates of this node's pods ready before their first connection, and dropped when the last pod of an
/// identity has left. Observes a <see cref="MeshState"/>, so it is called by one writer at a time.
/// </summary>
internal sealed class LocalIdentityPrefetch(CertificateManager certificates)
{
    private ImmutableDictionary<SpiffeId, int> _known = [];

    /// <summary>Takes in what has changed; costs what the pods of one node cost, and mostly nothing.</summary>
    public void Observe(MeshSnapshot snapshot)
    {
        var next = snapshot.LocalIdentities;
        if (ReferenceEquals(next, _known))
        {
            return;
        }

        foreach (var identity in next.Keys)
        {
            if (!_known.ContainsKey(identity))
            {
                certificates.Prefetch(identity);
            }
        }

        foreach (var identity in _known.Keys)
        {
            if (!next.ContainsKey(identity))
            {
                certificates.Forget(identity);
            }
        }

        _known = next;
    }
}
