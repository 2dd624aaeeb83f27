using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Hbone.Tls.OpenSsl;

namespace Hbone.Tls;

/// <summary>
/// The key exchange groups that TLS connections of this process may use (RFC 8446 section 4.2.7, draft-ietf-tls-ecdhe-mlkem).
/// </summary>
/// <remarks>
/// X25519, P-256, P-384 and, where OpenSSL has it (3.5 or newer), X25519MLKEM768, in this order; or the last one alone.
/// </remarks>
public static class KeyExchange
{
    private const string PostQuantumGroup = "X25519MLKEM768";

    private static volatile bool _postQuantumOnly;

    /// <summary>Whether <see cref="RequirePostQuantum"/> has taken effect.</summary>
    public static bool IsPostQuantumOnly => _postQuantumOnly;

    /// <summary>Whether the OpenSSL of this process knows X25519MLKEM768.</summary>
    public static bool IsPostQuantumAvailable { get; } = OpenSslConfiguration.IsGroupKnown(PostQuantumGroup);

    /// <summary>What OpenSSL calls itself, such as <c>OpenSSL 3.5.9 29 Sep 2026</c>.</summary>
    public static string LibraryVersion => Marshal.PtrToStringUTF8(Native.OpenSSL_version(Native.VersionText)) ?? "OpenSSL";

    /// <summary>As OpenSSL wants them; ends with a zero byte.</summary>
    internal static ReadOnlySpan<byte> Groups =>
        _postQuantumOnly ? "X25519MLKEM768\0"u8
        : IsPostQuantumAvailable ? "X25519:P-256:P-384:X25519MLKEM768\0"u8
        : "X25519:P-256:P-384\0"u8;

    /// <summary>
    /// From now on every TLS connection of this process needs X25519MLKEM768: those of the tunnel, and those that
    /// <c>SslStream</c> makes. Cannot be taken back; call it before the first connection.
    /// </summary>
    /// <remarks>
    /// <c>SslStream</c> has no setting for groups. Its contexts take OpenSSL's defaults, so the default is what is changed
    /// (config(5), section "SSL Configuration", name <c>system_default</c>).
    /// </remarks>
    /// <exception cref="TlsException">OpenSSL is too old, or <c>SslStream</c> uses another one than the tunnel.</exception>
    public static void RequirePostQuantum()
    {
        if (!IsPostQuantumAvailable)
        {
            throw new TlsException(
                $"key exchange {PostQuantumGroup} needs OpenSSL 3.5 or newer, and this process runs on {LibraryVersion}");
        }

#pragma warning disable CA1416 // the proxy runs on Linux only
        var ofRuntime = SafeEvpPKeyHandle.OpenSslVersion;
#pragma warning restore CA1416
        if (ofRuntime != Native.OpenSSL_version_num())
        {
            throw new TlsException(
                $"the .NET runtime uses OpenSSL {ofRuntime:x8} and the tunnel {LibraryVersion}: "
                + "unset CLR_OPENSSL_VERSION_OVERRIDE, or key exchange cannot be limited in both");
        }

        OpenSslConfiguration.SetDefaultGroups(PostQuantumGroup);
        _postQuantumOnly = true;
    }
}
