using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hbone.Tls;
using Ztunnel.Control;

namespace Ztunnel.Identity;

/// <summary>
/// The answer of Istio's CA (<c>IstioCertificateResponse.cert_chain</c>): the leaf, the certificates above it, one in each
/// element, and last a bundle of roots.
/// </summary>
internal static class IssuedChain
{
    /// <summary>Checks the answer and puts it together with the key that it was asked for with.</summary>
    /// <param name="chain">The elements, PEM each.</param>
    /// <param name="key">Key of the request; copied.</param>
    /// <param name="identity">Whom the certificate is for.</param>
    /// <param name="checksName">Whether the leaf has to carry the identity.</param>
    /// <param name="skippedRoots">How many certificates of the bundle do not decode.</param>
    /// <exception cref="IdentityException">The answer is of no use.</exception>
    public static WorkloadCertificate Read(
        IReadOnlyList<string> chain, ECDsa key, SpiffeId identity, bool checksName, out int skippedRoots)
    {
        if (chain.Count == 0)
        {
            throw new IdentityException($"chain returned from CA is empty for: {identity}");
        }

        if (chain.Count == 1)
        {
            throw new IdentityException("no root certificate present");
        }

        using var leaf = First(chain, 0);
        if (checksName && PeerIdentity.FirstOf(leaf) != identity)
        {
            throw new IdentityException($"did not find expected SAN: {identity}");
        }

        var intermediates = new X509Certificate2Collection();
        for (var i = 1; i < chain.Count - 1; i++)
        {
            intermediates.Add(First(chain, i));
        }

        return new WorkloadCertificate(WithKey(leaf, key, identity), intermediates, Roots(chain[^1], out skippedRoots));
    }

    private static X509Certificate2 First(IReadOnlyList<string> chain, int index)
    {
        try
        {
            return PemCertificates.ReadFirst(chain[index]);
        }
        catch (FormatException e)
        {
            throw new IdentityException($"invalid certificate {index + 1} of {chain.Count} from the CA: {e.Message}", e);
        }
    }

    private static X509Certificate2Collection Roots(string bundle, out int skipped)
    {
        try
        {
            var roots = PemCertificates.ReadAll(bundle, out skipped);
            return roots.Count > 0 ? roots : throw new IdentityException("no root certificate present");
        }
        catch (FormatException e)
        {
            throw new IdentityException($"invalid root certificates from the CA: {e.Message}", e);
        }
    }

    /// <summary>Fails here, while the certificate in use is still the old one, and not in every handshake.</summary>
    private static X509Certificate2 WithKey(X509Certificate2 leaf, ECDsa key, SpiffeId identity)
    {
        try
        {
            return leaf.CopyWithPrivateKey(key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new IdentityException($"certificate from the CA is not for the key of the request: {identity}", e);
        }
    }
}
