using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hbone.Tls;

namespace Hbone.Tests.Tls;

/// <summary>Certificates with one thing about them different from what Istio's CA makes.</summary>
internal sealed class TestLeaf : IDisposable
{
    public const string ServerAuth = "1.3.6.1.5.5.7.3.1";
    public const string ClientAuth = "1.3.6.1.5.5.7.3.2";

    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly AsymmetricAlgorithm _key;
    private readonly bool _isRsa;

    private TestLeaf(X509Certificate2 certificate, AsymmetricAlgorithm key)
    {
        Certificate = certificate;
        _key = key;
        _isRsa = key is RSA;
    }

    public X509Certificate2 Certificate { get; }

    private X509SignatureGenerator Generator => _isRsa
        ? X509SignatureGenerator.CreateForRSA((RSA)_key, RSASignaturePadding.Pkcs1)
        : X509SignatureGenerator.CreateForECDsa((ECDsa)_key);

    /// <summary>A root or, with an issuer, an intermediate authority.</summary>
    public static TestLeaf Authority(string name, TestLeaf? issuer = null, bool rsa = false)
    {
        AsymmetricAlgorithm key = rsa ? RSA.Create(2_048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = RequestFor($"O={name}", key);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var (from, to) = (DateTimeOffset.UtcNow - (30 * Day), DateTimeOffset.UtcNow + (30 * Day));
        return issuer is null
            ? new TestLeaf(request.CreateSelfSigned(from, to), key)
            : issuer.Sign(request, from, to, key);
    }

    /// <summary>A workload's certificate by this authority.</summary>
    /// <param name="uris">URI names, none for a certificate without any.</param>
    /// <param name="from">Start of validity relative to now, days.</param>
    /// <param name="to">End of validity relative to now, days.</param>
    /// <param name="purposes">Extended key usages; none for a certificate without the extension.</param>
    /// <param name="rsa">RSA instead of ECDSA.</param>
    /// <param name="subject">Subject, which Istio's CA leaves empty.</param>
    /// <param name="serial">Serial number, random when not given.</param>
    public TestLeaf Issue(
        string[] uris,
        double from = -1,
        double to = 1,
        string[]? purposes = null,
        bool rsa = false,
        string subject = "",
        byte[]? serial = null)
    {
        AsymmetricAlgorithm key = rsa ? RSA.Create(2_048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = RequestFor(subject, key);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var uri in uris)
        {
            names.AddUri(new Uri(uri));
        }

        if (uris.Length > 0)
        {
            request.CertificateExtensions.Add(names.Build(critical: true));
        }

        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        if (purposes is null or [_, ..])
        {
            var usages = new OidCollection();
            foreach (var purpose in purposes ?? [ServerAuth, ClientAuth])
            {
                usages.Add(new Oid(purpose));
            }

            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usages, critical: false));
        }

        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = DateTimeOffset.UtcNow;
        return Sign(request, now + (from * Day), now + (to * Day), key, serial);
    }

    /// <summary>A revocation list by this authority, in DER, made a week ago.</summary>
    /// <param name="validUntil">Its next update relative to now, days.</param>
    /// <param name="revoked">Serial numbers in it.</param>
    public byte[] RevokeSerials(double validUntil, params IEnumerable<byte[]> revoked)
    {
        var list = new CertificateRevocationListBuilder();
        foreach (var serial in revoked)
        {
            list.AddEntry(serial, DateTimeOffset.UtcNow - Day);
        }

        return list.Build(
            Certificate.SubjectName,
            Generator,
            crlNumber: 1,
            DateTimeOffset.UtcNow + (validUntil * Day),
            HashAlgorithmName.SHA256,
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, true, false),
            DateTimeOffset.UtcNow - (7 * Day));
    }

    /// <summary>A valid revocation list of certificates by this authority, in DER.</summary>
    public byte[] Revoke(params IEnumerable<TestLeaf> revoked) =>
        RevokeSerials(1, revoked.Select(leaf => leaf.Certificate.SerialNumberBytes.ToArray()));

    /// <summary>As our side's certificate.</summary>
    public WorkloadCertificate With(X509Certificate2Collection intermediates, params TestLeaf[] roots) =>
        new(Certificate, intermediates, [.. roots.Select(r => X509CertificateLoader.LoadCertificate(r.Certificate.RawData))]);

    /// <summary>As our side's certificate, trusting one authority.</summary>
    public WorkloadCertificate Trusting(params TestLeaf[] roots) => With([], roots);

    public void Dispose()
    {
        Certificate.Dispose();
        _key.Dispose();
    }

    private static CertificateRequest RequestFor(string subject, AsymmetricAlgorithm key) => key is RSA rsa
        ? new CertificateRequest(
            new X500DistinguishedName(subject), rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
        : new CertificateRequest(new X500DistinguishedName(subject), (ECDsa)key, HashAlgorithmName.SHA256);

    private TestLeaf Sign(
        CertificateRequest request,
        DateTimeOffset from,
        DateTimeOffset to,
        AsymmetricAlgorithm key,
        byte[]? serial = null)
    {
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, true, false));
        using var bare = request.Create(
            Certificate.SubjectName, Generator, from, to, serial ?? RandomNumberGenerator.GetBytes(16));
        return new TestLeaf(
            key is RSA rsa ? bare.CopyWithPrivateKey(rsa) : bare.CopyWithPrivateKey((ECDsa)key), key);
    }
}
