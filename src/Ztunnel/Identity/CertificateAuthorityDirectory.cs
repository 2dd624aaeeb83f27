using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using static Ztunnel.Identity.CertificateAuthorityFiles;

namespace Ztunnel.Identity;

/// <summary>
/// Makes a self-signed CA in a directory that has none. Everybody who asks at the same time, from any process, ends
/// with the same one, and nobody sees half of it: one process at a time holds a lock, and <c>ca-cert.pem</c>, the file
/// whose presence says that the CA is there, comes last.
/// </summary>
[SuppressMessage("Interoperability", "CA1416", Justification = "The proxy runs on Linux only.")]
internal static class CertificateAuthorityDirectory
{
    /// <summary>Held while a CA is made; not empty means that its holder died before the CA was complete.</summary>
    public const string LockName = ".creating";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly TimeSpan LockRetryInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(10);
    private static readonly string[] OtherNames = [KeyName, RootName, ChainName];

    /// <summary>Returns when the directory holds a CA.</summary>
    /// <exception cref="IdentityException">It holds a part of one, or cannot be written to.</exception>
    public static async Task EnsureAsync(string directory, TimeProvider time, CancellationToken cancellationToken)
    {
        if (File.Exists(Path.Combine(directory, CertificateName)))
        {
            return;
        }

        try
        {
            Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
            using var creating = await LockAsync(Path.Combine(directory, LockName), cancellationToken);
            if (!File.Exists(Path.Combine(directory, CertificateName)))
            {
                Create(directory, creating, time);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IdentityException($"CA directory {directory}: cannot create a CA: {e.Message}", e);
        }
    }

    /// <summary>Opened exclusively, which is an <c>flock</c> that ends with the process.</summary>
    private static async Task<FileStream> LockAsync(string path, CancellationToken cancellationToken)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            UnixCreateMode = OwnerOnly,
        };
        for (var waited = TimeSpan.Zero; ; waited += LockRetryInterval)
        {
            try
            {
                return new FileStream(path, options);
            }
            catch (IOException) when (File.Exists(path) && waited < LockTimeout)
            {
                await Task.Delay(LockRetryInterval, cancellationToken);
            }
        }
    }

    private static void Create(string directory, FileStream creating, TimeProvider time)
    {
        var wasInterrupted = creating.Length > 0;
        if (!wasInterrupted && OtherNames.FirstOrDefault(n => File.Exists(Path.Combine(directory, n))) is { } stray)
        {
            throw new IdentityException($"CA directory {directory}: {CertificateName} is missing beside {stray}");
        }

        creating.Write("in progress\n"u8);
        creating.Flush(flushToDisk: true);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var root = SelfSign(key, time.GetUtcNow());
        var certificate = root.ExportCertificatePem() + "\n";
        Write(directory, KeyName, key.ExportPkcs8PrivateKeyPem() + "\n");
        Write(directory, RootName, certificate);
        Write(directory, ChainName, certificate);
        Write(directory, CertificateName, certificate);

        creating.SetLength(0);
    }

    private static X509Certificate2 SelfSign(ECDsa key, DateTimeOffset now)
    {
        var request = new CertificateRequest("O=ztunnel, CN=Local Root CA", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(now - LocalCertificateAuthority.ClockSkew, now.AddYears(10));
    }

    /// <summary>All of the file or none of it: written aside, then renamed.</summary>
    private static void Write(string directory, string name, string text)
    {
        var path = Path.Combine(directory, name);
        var aside = path + ".new";
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = name == KeyName ? OwnerOnly : OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
        };
        using (var file = new FileStream(aside, options))
        {
            file.Write(Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(aside, path, overwrite: true);
    }
}
