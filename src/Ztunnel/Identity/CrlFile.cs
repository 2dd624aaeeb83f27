using System.Security.Cryptography;
using Hbone.Tls;

namespace Ztunnel.Identity;

/// <summary>One reading of the revocation file: what it looked like, and what was in it.</summary>
/// <param name="Stamp">Tells later whether the file is still that one.</param>
/// <param name="Fingerprint">SHA-256 of its bytes.</param>
/// <param name="Lists">What it holds; null when that cannot be used.</param>
/// <param name="Error">Why it cannot be used; null when it can.</param>
internal sealed record CrlFile(CrlFileStamp? Stamp, string Fingerprint, RevocationSet? Lists, string? Error)
{
    /// <summary>
    /// Longest file that is read, bytes. A Kubernetes ConfigMap holds 1 MiB; more than this is a mistake that would cost
    /// the node its memory.
    /// </summary>
    public const int MaxLength = 64 * 1024 * 1024;

    /// <summary>Reads and decodes the file. Whatever is wrong with it is in the result.</summary>
    public static CrlFile Read(string path)
    {
        CrlFileStamp? stamp = null;
        var fingerprint = "";
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            stamp = CrlFileStamp.Of(file);
            if (stamp.Value.Length > MaxLength)
            {
                return new CrlFile(stamp, fingerprint, null, $"longer than {MaxLength} bytes: {stamp.Value.Length}");
            }

            using var stream = new FileStream(file, FileAccess.Read, bufferSize: 0);
            var bytes = new byte[stamp.Value.Length];
            var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            fingerprint = Convert.ToHexString(SHA256.HashData(bytes.AsSpan(..length)));
            return new CrlFile(stamp, fingerprint, RevocationSet.Parse(bytes.AsSpan(..length)), null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return new CrlFile(stamp, fingerprint, null, e.Message);
        }
    }

    /// <summary>Whether a later reading found the same, so that nothing has to be done or said.</summary>
    public bool IsSameAs(CrlFile? other) =>
        other is not null && Fingerprint == other.Fingerprint && Error == other.Error;
}
