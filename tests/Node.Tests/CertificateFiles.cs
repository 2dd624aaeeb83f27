using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Node.Tests;

/// <summary>PEM files that <c>hbone-client.mjs</c> presents.</summary>
internal sealed record CertificateFiles(string Authority, string Certificate, string Key)
{
    /// <summary>A certificate for any identity, signed by the CA of the proxies.</summary>
    public static CertificateFiles Issue(string authorityFolder, string identity)
    {
        var authorityFile = Path.Combine(authorityFolder, "ca-cert.pem");
        using var authority = X509Certificate2.CreateFromPemFile(
            authorityFile, Path.Combine(authorityFolder, "ca-key.pem"));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(identity));
        request.CertificateExtensions.Add(names.Build(critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(
            [new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));

        var now = DateTimeOffset.UtcNow;
        using var certificate = request.Create(
            authority, now.AddMinutes(-1), now.AddHours(1), RandomNumberGenerator.GetBytes(8));
        var folder = Directory.CreateDirectory(Path.Combine(authorityFolder, "..", $"peer-{Guid.NewGuid()}")).FullName;
        var files = new CertificateFiles(
            authorityFile, Path.Combine(folder, "certificate.pem"), Path.Combine(folder, "key.pem"));
        File.WriteAllText(files.Certificate, certificate.ExportCertificatePem());
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem());
        return files;
    }
}
