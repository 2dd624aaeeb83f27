using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hbone.Tls;

namespace Ztunnel.Identity;

/// <summary>
/// The PKCS #10 request (RFC 2986) that Istio's CA is asked with: no subject, and the identity as the one requested
/// extension.
/// </summary>
internal static class CertificateSigningRequest
{
    /// <summary>PEM with a line end behind it, signed with the key.</summary>
    /// <exception cref="IdentityException">The identity cannot be a name in a certificate.</exception>
    public static string ToPem(ECDsa key, SpiffeId identity)
    {
        try
        {
            var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(SpiffeName.ToExtension(identity));
            return request.CreateSigningRequestPem() + "\n";
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new IdentityException($"failed to create CSR: {identity}: {e.Message}", e);
        }
    }
}
