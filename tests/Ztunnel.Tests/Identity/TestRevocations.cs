using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ztunnel.Tests.Identity;

/// <summary>Revocation lists of an authority that has issued nothing.</summary>
internal sealed class TestRevocations : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>A list of one serial number.</summary>
    public string Pem(byte serial)
    {
        var list = new CertificateRevocationListBuilder();
        list.AddEntry([serial]);
        var now = DateTimeOffset.UtcNow;
        var der = list.Build(
            new X500DistinguishedName("O=test"),
            X509SignatureGenerator.CreateForECDsa(_key),
            crlNumber: serial,
            now.AddDays(1),
            HashAlgorithmName.SHA256,
            X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier([1, 2, 3, 4]),
            now.AddDays(-1));
        return PemEncoding.WriteString("X509 CRL", der) + "\n";
    }

    public void Dispose() => _key.Dispose();
}
