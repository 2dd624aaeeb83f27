using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Ztunnel.Identity;

/// <summary>
/// One element of array <c>certificates</c> in the config dump, which <c>istioctl ztunnel-config</c> reads.
/// </summary>
internal static class CertificateDump
{
    /// <summary>Writes an entry; its chains are empty while it has no certificate.</summary>
    public static void Write(Utf8JsonWriter json, CertificateEntry entry)
    {
        json.WriteStartObject();
        json.WriteStartArray("certChain"u8);
        if (entry.Certificate is { } certificate)
        {
            WriteCertificate(json, certificate.Leaf);
            WriteAll(json, certificate.Intermediates);
        }

        json.WriteEndArray();
        json.WriteString("identity"u8, entry.Identity.ToString());
        json.WriteStartArray("rootCerts"u8);
        WriteAll(json, entry.Certificate?.Roots ?? []);
        json.WriteEndArray();
        json.WriteString("state"u8, entry.State);
        json.WriteEndObject();
    }

    private static void WriteAll(Utf8JsonWriter json, X509Certificate2Collection certificates)
    {
        foreach (var certificate in certificates)
        {
            WriteCertificate(json, certificate);
        }
    }

    private static void WriteCertificate(Utf8JsonWriter json, X509Certificate2 certificate)
    {
        json.WriteStartObject();
        json.WriteString("expirationTime"u8, ToSeconds(certificate.NotAfter));
        json.WriteBase64String("pem"u8, Encoding.ASCII.GetBytes(certificate.ExportCertificatePem() + "\n"));
        json.WriteString("serialNumber"u8, SerialNumber.ToDecimal(certificate));
        json.WriteString("validFrom"u8, ToSeconds(certificate.NotBefore));
        json.WriteEndObject();
    }

    /// <summary>RFC 3339 in UTC with whole seconds.</summary>
    private static string ToSeconds(DateTime local) =>
        local.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
