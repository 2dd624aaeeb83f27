using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace Node.Tests.Recordings;

/// <summary>What the TLS handshake of a recorded connection agreed on.</summary>
internal sealed record RecordedTls(string Alpn, string Version, string Cipher)
{
    public static RecordedTls Parse(JsonElement connection) => new(
        connection.GetProperty("alpn").GetString()!,
        connection.GetProperty("tls").GetString()!,
        connection.GetProperty("cipher").GetString()!);

    public static RecordedTls Of(SslStream tls) => new(
        tls.NegotiatedApplicationProtocol.ToString(),
        tls.SslProtocol == SslProtocols.Tls13 ? "TLSv1.3" : tls.SslProtocol.ToString(),
        tls.NegotiatedCipherSuite.ToString());

    /// <summary>The certificate of a peer of the proxies, with its key.</summary>
    public static SslStreamCertificateContext Issue(string authorityFolder, string identity)
    {
        var files = CertificateFiles.Issue(authorityFolder, identity);
        var certificate = X509Certificate2.CreateFromPemFile(files.Certificate, files.Key);
        return SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
    }

    /// <summary>Whether the CA of this folder signed a certificate.</summary>
    public static bool IsSignedBy(string authorityFolder, X509Certificate2 certificate)
    {
        using var authority = X509CertificateLoader.LoadCertificateFromFile(
            Path.Combine(authorityFolder, "ca-cert.pem"));
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    /// <summary>The URI names of a certificate, printed as the recordings name them.</summary>
    public static string[] UrisOf(X509Certificate? certificate)
    {
        const string SubjectAlternativeNameOid = "2.5.29.17";
        var names = ((X509Certificate2)certificate!).Extensions.Single(e => e.Oid!.Value == SubjectAlternativeNameOid);
        return
        [
            .. names.Format(multiLine: false).Split(", ")
                .Where(name => name.StartsWith("URI:", StringComparison.Ordinal)),
        ];
    }
}
