using System.Runtime.InteropServices;

namespace Hbone.Tls.OpenSsl;

/// <summary>The functions for versions and defaults (man pages OpenSSL_version(3), CONF_modules_load(3), SSL_CTX_config(3)).</summary>
internal static unsafe partial class Native
{
    public const int VersionText = 0;

    [LibraryImport(Crypto)]
    public static partial nint OpenSSL_version(int part);

    [LibraryImport(Crypto)]
    public static partial nint OpenSSL_version_num();

    [LibraryImport(Crypto)]
    public static partial nint NCONF_new(nint method);

    [LibraryImport(Crypto)]
    public static partial void NCONF_free(nint configuration);

    [LibraryImport(Crypto)]
    public static partial int NCONF_load_bio(nint configuration, nint source, nint* errorLine);

    [LibraryImport(Crypto, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int CONF_modules_load(nint configuration, string? application, nuint flags);

    [LibraryImport(Crypto)]
    public static partial nint BIO_new_mem_buf(byte* content, int length);

    [LibraryImport(Crypto)]
    public static partial void BIO_free(nint bio);

    [LibraryImport(Ssl, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SSL_CTX_config(nint context, string name);
}
