using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hbone.Tls;

#pragma warning disable IDE0130 // linked into two test projects, so no folder names its namespace
namespace Fixtures;

/// <summary>
/// A certificate authority in memory, and X.509-SVIDs by it as Istio's CA makes them: ECDSA P-256, no subject, one
/// critical URI name, for servers and clients alike. The files it writes go away with it.
/// </summary>
internal sealed class TestCertificates : IDisposable
{
    private const string ServerAuthOid = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthOid = "1.3.6.1.5.5.7.3.2";
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    private readonly ECDsa _rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly string _folder = Directory.CreateTempSubdirectory("hbone-certificates-").FullName;
    private int _files;

    public TestCertificates(string name = "test root")
    {
        var request = new CertificateRequest($"O={name}", _rootKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = DateTimeOffset.UtcNow;
        Root = request.CreateSelfSigned(now - ClockSkew, now + Lifetime);
    }

    /// <summary>The trust anchor, with its key.</summary>
    public X509Certificate2 Root { get; }

    /// <summary>A new certificate of an identity, trusting only this authority.</summary>
    public WorkloadCertificate Issue(SpiffeId identity) => new(IssueLeaf(identity), [], [PublicRoot()]);

    /// <summary>A new certificate of an identity as PEM files, for peers that are other programs.</summary>
    public PemFiles WritePem(SpiffeId identity)
    {
        using var leaf = IssueLeaf(identity);
        using var key = leaf.GetECDsaPrivateKey()!;
        var prefix = Path.Combine(_folder, $"{Interlocked.Increment(ref _files)}");
        var files = new PemFiles($"{prefix}.crt", $"{prefix}.key", $"{prefix}-ca.crt");
        File.WriteAllText(files.Certificate, leaf.ExportCertificatePem());
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(files.Authority, Root.ExportCertificatePem());
        return files;
    }

    public void Dispose()
    {
        Root.Dispose();
        _rootKey.Dispose();
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private X509Certificate2 IssueLeaf(SpiffeId identity)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(identity.ToString()));
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(names.Build(critical: true));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([new Oid(ServerAuthOid), new Oid(ClientAuthOid)], critical: false));
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Root, true, false));

        var now = DateTimeOffset.UtcNow;
        using var certificate = request.Create(
            Root, now - ClockSkew, Root.NotAfter, RandomNumberGenerator.GetBytes(16));
        return certificate.CopyWithPrivateKey(key);
    }

    private X509Certificate2 PublicRoot() => X509CertificateLoader.LoadCertificate(Root.RawDataMemory.Span);

    /// <summary>Paths of what a TLS endpoint needs.</summary>
    /// <param name="Certificate">Its chain, leaf first.</param>
    /// <param name="Key">Its private key, PKCS #8.</param>
    /// <param name="Authority">Whom it trusts.</param>
    internal sealed record PemFiles(string Certificate, string Key, string Authority);
}
