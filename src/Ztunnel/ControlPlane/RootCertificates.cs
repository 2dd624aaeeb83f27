using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ztunnel.Config;

namespace Ztunnel.ControlPlane;

/// <summary>Reads the roots that a control plane server is verified with, anew for each connection.</summary>
internal static class RootCertificates
{
    private const string Label = "CERTIFICATE";

    /// <summary>Null for the system's store. The caller disposes the certificates.</summary>
    /// <exception cref="ControlPlaneException">There are none: the file is missing, is not PEM, or has none.</exception>
    public static X509Certificate2Collection? Read(RootCertificateSource source) => source.Kind switch
    {
        RootCertificateKind.System => null,
        RootCertificateKind.Inline => Parse(source.Value, "the roots in the environment"),
        _ => Parse(ReadFile(source.Value), source.Value),
    };

    private static string ReadFile(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ControlPlaneException($"root certificates cannot be read: {e.Message}", e);
        }
    }

    // A block that is no certificate is skipped, as long as another one is left: bundles are put together by hand.
    private static X509Certificate2Collection Parse(string pem, string source)
    {
        var roots = new X509Certificate2Collection();
        var rest = pem.AsSpan();
        while (PemEncoding.TryFind(rest, out var fields))
        {
            if (rest[fields.Label].SequenceEqual(Label))
            {
                AddTo(roots, Convert.FromBase64String(rest[fields.Base64Data].ToString()));
            }

            rest = rest[fields.Location.End..];
        }

        return roots.Count > 0
            ? roots
            : throw new ControlPlaneException($"no root certificate in {source}: expected PEM");
    }

    private static void AddTo(X509Certificate2Collection roots, byte[] der)
    {
        try
        {
            roots.Add(X509CertificateLoader.LoadCertificate(der));
        }
        catch (CryptographicException)
        {
            // Not a certificate.
        }
    }
}
