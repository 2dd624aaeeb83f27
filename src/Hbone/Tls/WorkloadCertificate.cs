using System.Security.Cryptography.X509Certificates;
using Hbone.Tls.OpenSsl;

namespace Hbone.Tls;

/// <summary>
/// The X.509-SVID that proves one workload's identity, with its private key, what is presented beside it and what it
/// trusts. Immutable and shared by every connection of that identity until it is rotated, so that the TLS library
/// builds its context once (X509-SVID section 2).
/// </summary>
public sealed class WorkloadCertificate
{
    private readonly Lock _gate = new();
    private readonly TlsContext?[] _contexts = new TlsContext?[4];

    /// <summary>Takes the certificates over; they live as long as this object.</summary>
    /// <param name="leaf">The workload's own certificate, with private key.</param>
    /// <param name="intermediates">Presented after the leaf, issuer by issuer, without the root.</param>
    /// <param name="roots">Trust anchors for peers; at least one.</param>
    /// <exception cref="ArgumentException">The leaf has no private key, or there is no root.</exception>
    public WorkloadCertificate(
        X509Certificate2 leaf, X509Certificate2Collection intermediates, X509Certificate2Collection roots)
    {
        ArgumentNullException.ThrowIfNull(leaf);
        ArgumentNullException.ThrowIfNull(intermediates);
        ArgumentNullException.ThrowIfNull(roots);
        if (!leaf.HasPrivateKey)
        {
            throw new ArgumentException($"certificate of {leaf.Subject} comes without its private key", nameof(leaf));
        }

        if (roots.Count == 0)
        {
            throw new ArgumentException("no root certificate present", nameof(roots));
        }

        Leaf = leaf;
        Intermediates = intermediates;
        Roots = roots;
        Identity = PeerIdentity.FirstOf(leaf);
    }

    /// <summary>The workload's own certificate, with private key.</summary>
    public X509Certificate2 Leaf { get; }

    /// <summary>Presented after the leaf; no root among them.</summary>
    public X509Certificate2Collection Intermediates { get; }

    /// <summary>Trust anchors that a peer's chain must end in.</summary>
    public X509Certificate2Collection Roots { get; }

    /// <summary>First SPIFFE URI SAN of the leaf; null when it has none.</summary>
    public SpiffeId? Identity { get; }

    /// <summary>Start of validity, UTC.</summary>
    public DateTimeOffset NotBefore => Leaf.NotBefore.ToUniversalTime();

    /// <summary>End of validity, UTC.</summary>
    public DateTimeOffset NotAfter => Leaf.NotAfter.ToUniversalTime();

    /// <summary>The TLS library's form of this certificate in one role, built once.</summary>
    /// <exception cref="TlsException">The library refused the certificate or its key.</exception>
    internal TlsContext ContextFor(bool server, bool allowTls12)
    {
        lock (_gate)
        {
            ref var context = ref _contexts[(server ? 1 : 0) + (allowTls12 ? 2 : 0)];
            return context ??= new TlsContext(this, server, allowTls12);
        }
    }
}
