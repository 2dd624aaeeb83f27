using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hbone.Tls;
using Ztunnel.Identity;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>A root and an intermediate that sign requests as istiod does, and certificates for TLS servers.</summary>
internal sealed class SigningAuthority : IDisposable
{
    private readonly ECDsa _rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _intermediateKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public SigningAuthority(string name, DateTimeOffset now)
    {
        Root = Authority($"O={name} root", _rootKey).CreateSelfSigned(now.AddDays(-1), now.AddYears(1));
        Intermediate = Authority($"O={name} intermediate", _intermediateKey).Create(
            Root.SubjectName,
            X509SignatureGenerator.CreateForECDsa(_rootKey),
            now.AddDays(-1),
            now.AddYears(1),
            SerialNumber.NewRandom());
    }

    public X509Certificate2 Root { get; }

    public X509Certificate2 Intermediate { get; }

    public string RootPem => Root.ExportCertificatePem() + "\n";

    /// <summary>Leaf, intermediate and root, an element each, for the key of the request.</summary>
    public string[] Sign(string csr, SpiffeId identity, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        var asked = CertificateRequest.LoadSigningRequestPem(csr, HashAlgorithmName.SHA256);
        using var leaf = SignLeaf(asked.PublicKey, SpiffeName.ToExtension(identity), notBefore, notAfter);
        return [leaf.ExportCertificatePem(), Intermediate.ExportCertificatePem(), RootPem];
    }

    /// <summary>A certificate with its key for a TLS server, of a form that server libraries take.</summary>
    public X509Certificate2 ForServer(params ReadOnlySpan<string> names) => ForServerUntil(Root.NotAfter, names);

    /// <summary>The same with an end of its own.</summary>
    public X509Certificate2 ForServerUntil(DateTimeOffset notAfter, params ReadOnlySpan<string> names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var builder = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (System.Net.IPAddress.TryParse(name, out var address))
            {
                builder.AddIpAddress(address);
            }
            else
            {
                builder.AddDnsName(name);
            }
        }

        using var leaf = SignLeaf(new PublicKey(key), builder.Build(), Root.NotBefore, notAfter);
        return leaf.CopyWithPrivateKey(key);
    }

    public void Dispose()
    {
        Root.Dispose();
        Intermediate.Dispose();
        _rootKey.Dispose();
        _intermediateKey.Dispose();
    }

    private static CertificateRequest Authority(string subject, ECDsa key)
    {
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request;
    }

    private X509Certificate2 SignLeaf(
        PublicKey key, X509Extension name, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(name);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(
            [new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false)); // server, client
        return request.Create(
            Intermediate.SubjectName,
            X509SignatureGenerator.CreateForECDsa(_intermediateKey),
            notBefore,
            notAfter,
            SerialNumber.NewRandom());
    }
}
