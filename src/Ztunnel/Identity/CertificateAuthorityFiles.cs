using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ztunnel.Identity;

/// <summary>
/// What an Istio <c>cacerts</c> directory holds, checked: <c>ca-cert.pem</c> signs with <c>ca-key.pem</c> and leads by
/// <c>cert-chain.pem</c> (optional) to one of the certificates in <c>root-cert.pem</c>.
/// </summary>
internal sealed class CertificateAuthorityFiles : IDisposable
{
    public const string CertificateName = "ca-cert.pem";
    public const string KeyName = "ca-key.pem";
    public const string RootName = "root-cert.pem";
    public const string ChainName = "cert-chain.pem";

    private const string RsaOid = "1.2.840.113549.1.1.1";
    private const string EcOid = "1.2.840.10045.2.1";

    private readonly AsymmetricAlgorithm _key;

    private CertificateAuthorityFiles(string directory, AsymmetricAlgorithm key, X509Certificate2 authority,
        X509Certificate2Collection intermediates, X509Certificate2Collection roots)
    {
        Directory = directory;
        _key = key;
        Authority = authority;
        Intermediates = intermediates;
        Roots = roots;
        (SignatureGenerator, SignatureHash) = key switch
        {
            RSA rsa => (X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1), HashAlgorithmName.SHA256),
            _ => (X509SignatureGenerator.CreateForECDsa((ECDsa)key), HashFor(key.KeySize)),
        };
        AuthorityKeyIdentifier = authority.Extensions.Any(extension => extension is X509SubjectKeyIdentifierExtension)
            ? X509AuthorityKeyIdentifierExtension.CreateFromCertificate(
                authority, includeKeyIdentifier: true, includeIssuerAndSerial: false)
            : null;
    }

    /// <summary>Where the files are, for messages.</summary>
    public string Directory { get; }

    /// <summary>The certificate whose key signs.</summary>
    public X509Certificate2 Authority { get; }

    /// <summary>Presented after a leaf: the signing certificate and those above it, without roots.</summary>
    public X509Certificate2Collection Intermediates { get; }

    /// <summary>Trust anchors.</summary>
    public X509Certificate2Collection Roots { get; }

    /// <summary>Signs with the CA's key; not safe for concurrent use.</summary>
    public X509SignatureGenerator SignatureGenerator { get; }

    /// <summary>Hash that fits the CA's key.</summary>
    public HashAlgorithmName SignatureHash { get; }

    /// <summary>Extension that names the CA's key; null when the CA's certificate has no key identifier.</summary>
    public X509Extension? AuthorityKeyIdentifier { get; }

    /// <summary>Reads and checks the files.</summary>
    /// <exception cref="IdentityException">One is missing, damaged, expired or does not fit the others.</exception>
    public static CertificateAuthorityFiles Load(string directory, DateTimeOffset now)
    {
        var certificatePath = Path.Combine(directory, CertificateName);
        var authority = ReadCertificates(certificatePath)[0];
        var roots = ReadCertificates(Path.Combine(directory, RootName));
        var chainPath = Path.Combine(directory, ChainName);
        var chain = File.Exists(chainPath) ? ReadCertificates(chainPath, mayBeEmpty: true) : [];

        CheckMaySign(certificatePath, authority, now);
        var intermediates = WithoutRoots([authority, .. chain]);
        CheckLeadsToRoot(certificatePath, authority, intermediates, roots, now);
        var key = ReadKey(Path.Combine(directory, KeyName), authority);
        return new CertificateAuthorityFiles(directory, key, authority, intermediates, roots);
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose(); // certificates are shared with what was issued

    private static HashAlgorithmName HashFor(int curveBits) => curveBits switch
    {
        <= 256 => HashAlgorithmName.SHA256,
        <= 384 => HashAlgorithmName.SHA384,
        _ => HashAlgorithmName.SHA512,
    };

    private static X509Certificate2Collection ReadCertificates(string path, bool mayBeEmpty = false)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(ReadText(path));
        }
        catch (CryptographicException e)
        {
            throw new IdentityException($"CA file {path}: not a PEM certificate: {e.Message}", e);
        }

        return certificates.Count > 0 || mayBeEmpty
            ? certificates
            : throw new IdentityException($"CA file {path}: no PEM certificate in it");
    }

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IdentityException($"CA file {path}: {e.Message}", e);
        }
    }

    private static void CheckMaySign(string path, X509Certificate2 authority, DateTimeOffset now)
    {
        if (now < authority.NotBefore.ToUniversalTime())
        {
            throw new IdentityException($"CA file {path}: not valid before {authority.NotBefore.ToUniversalTime():u}");
        }

        if (now >= authority.NotAfter.ToUniversalTime())
        {
            throw new IdentityException($"CA file {path}: expired at {authority.NotAfter.ToUniversalTime():u}");
        }

        if (!authority.Extensions.Any(e => e is X509BasicConstraintsExtension { CertificateAuthority: true }))
        {
            throw new IdentityException(
                $"CA file {path}: not a CA certificate, its basic constraints do not say CA:TRUE");
        }
    }

    private static X509Certificate2Collection WithoutRoots(X509Certificate2Collection certificates)
    {
        var intermediates = new X509Certificate2Collection();
        foreach (var certificate in certificates)
        {
            var isSelfSigned = certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);
            if (!isSelfSigned && !intermediates.Contains(certificate))
            {
                intermediates.Add(certificate);
            }
        }

        return intermediates;
    }

    private static void CheckLeadsToRoot(string path, X509Certificate2 authority,
        X509Certificate2Collection intermediates, X509Certificate2Collection roots, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.ExtraStore.AddRange(intermediates);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        if (!chain.Build(authority))
        {
            var reasons = string.Join("; ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()));
            throw new IdentityException(
                $"CA file {path}: no valid chain through {ChainName} to {RootName} beside it: {reasons}");
        }
    }

    private static AsymmetricAlgorithm ReadKey(string path, X509Certificate2 authority)
    {
        var pem = ReadText(path);
        AsymmetricAlgorithm key = authority.PublicKey.Oid.Value switch
        {
            RsaOid => RSA.Create(),
            EcOid => ECDsa.Create(),
            var other => throw new IdentityException(
                $"CA file {path}: {CertificateName} beside it names key algorithm {other}, neither RSA nor EC"),
        };
        try
        {
            key.ImportFromPem(pem);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            key.Dispose();
            throw new IdentityException(
                $"CA file {path}: not an unencrypted PEM key of the kind that {CertificateName} names: {e.Message}", e);
        }

        if (!key.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(authority.PublicKey.ExportSubjectPublicKeyInfo()))
        {
            key.Dispose();
            throw new IdentityException($"CA file {path}: does not match {CertificateName} beside it");
        }

        return key;
    }
}
