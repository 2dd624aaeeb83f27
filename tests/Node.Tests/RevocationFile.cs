using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>The file of <c>CRL_PATH</c>, signed by the CA of the proxies.</summary>
internal sealed class RevocationFile : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("node-tests-crl-");

    public string Path => System.IO.Path.Combine(_folder.FullName, "ca-crl.pem");

    /// <summary>Puts a list of these serial numbers in place of the file, as a whole.</summary>
    public void Revoke(string authorityFolder, params IEnumerable<byte[]> serials)
    {
        using var authority = X509Certificate2.CreateFromPemFile(
            System.IO.Path.Combine(authorityFolder, "ca-cert.pem"), System.IO.Path.Combine(authorityFolder, "ca-key.pem"));
        var list = new CertificateRevocationListBuilder();
        foreach (var serial in serials)
        {
            list.AddEntry(serial);
        }

        var der = list.Build(
            authority, crlNumber: 1, DateTimeOffset.UtcNow.AddDays(1), HashAlgorithmName.SHA256);
        var aside = Path + ".new";
        File.WriteAllText(aside, PemEncoding.WriteString("X509 CRL", der));
        File.Move(aside, Path, overwrite: true);
    }

    /// <summary>Serial number of the certificate that a proxy presents for its pod now.</summary>
    public static async Task<byte[]> SerialOfAsync(ProxyProcess proxy, CancellationToken cancellationToken)
    {
        var spec = new ProcessSpec("curl", "-sS", "-f", "--max-time", "5", "http://127.0.0.1:15000/config_dump");
        var dump = JsonNode.Parse((await proxy.Pod.Namespace.RunAsync(spec, cancellationToken)).Succeeded().Output)!;
        var chain = Assert.Single(dump["certificates"]!.AsArray())!["certChain"]!.AsArray();
        using var leaf = X509Certificate2.CreateFromPem(
            Encoding.ASCII.GetString(Convert.FromBase64String(chain[0]!["pem"]!.GetValue<string>())));
        return leaf.SerialNumberBytes.ToArray();
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
