using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Node.Bench.Peers;

/// <summary>A root and one certificate for each HAProxy, all ECDSA P-256 as a mesh has them, as PEM files.</summary>
internal static class HaproxyCertificates
{
    /// <summary>The root, without its key.</summary>
    public const string Root = "ca.pem";

    /// <summary>Certificate and key, for both sides of mutual TLS.</summary>
    public const string Source = "source.pem";

    /// <inheritdoc cref="Source"/>
    public const string Destination = "destination.pem";

    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    public static void Write(string folder)
    {
        var now = DateTimeOffset.UtcNow;
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var rootRequest = new CertificateRequest("O=bench", rootKey, HashAlgorithmName.SHA256);
        rootRequest.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(
                certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        rootRequest.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        using var root = rootRequest.CreateSelfSigned(now.AddMinutes(-1), now + Lifetime);
        File.WriteAllText(Path.Combine(folder, Root), root.ExportCertificatePem());
        WriteLeaf(folder, Source, root, now);
        WriteLeaf(folder, Destination, root, now);
    }

    private static void WriteLeaf(string folder, string file, X509Certificate2 root, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={file}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension(
                [new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], // serverAuth, clientAuth
                critical: false));
        var serial = RandomNumberGenerator.GetBytes(16);
        using var leaf = request.Create(root, now.AddMinutes(-1), root.NotAfter, serial);
        File.WriteAllText(
            Path.Combine(folder, file), $"{leaf.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n");
    }
}
