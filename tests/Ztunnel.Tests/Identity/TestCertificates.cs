using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hbone.Tls;

namespace Ztunnel.Tests.Identity;

/// <summary>Certificates for tests of their users; the CA itself is tested on its own.</summary>
internal static class TestCertificates
{
    public static SpiffeId Alice { get; } = new("cluster.local", "default", "alice");

    /// <summary>A self-signed certificate for an identity, its own root.</summary>
    public static WorkloadCertificate Issue(SpiffeId identity, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("O=cluster.local", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(identity.ToString()));
        request.CertificateExtensions.Add(names.Build());
        var leaf = request.CreateSelfSigned(notBefore, notAfter);
        return new WorkloadCertificate(leaf, [], [X509CertificateLoader.LoadCertificate(leaf.RawData)]);
    }

    /// <summary>A CA certificate with its key, self-signed or signed by <paramref name="issuer"/>.</summary>
    public static X509Certificate2 Authority(
        string name, AsymmetricAlgorithm key, X509Certificate2? issuer,
        DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        var request = key is RSA rsa
            ? new CertificateRequest($"CN={name}", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest($"CN={name}", (ECDsa)key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        if (issuer is null)
        {
            return request.CreateSelfSigned(notBefore, notAfter);
        }

        var generator = issuer.GetECDsaPrivateKey() is { } ec
            ? X509SignatureGenerator.CreateForECDsa(ec)
            : X509SignatureGenerator.CreateForRSA(issuer.GetRSAPrivateKey()!, RSASignaturePadding.Pkcs1);
        return request.Create(issuer.SubjectName, generator, notBefore, notAfter, [1, 2, 3]);
    }
}
