using System.Runtime.InteropServices;

namespace Hbone.Tls.OpenSsl;

/// <summary>The functions for certificate revocation lists and verified chains (man pages X509_CRL_*(3)).</summary>
internal static unsafe partial class Native
{
    public const int VerifyErrorRevoked = 23;
    public const int CrlEntryFound = 1;
    public const int Sha256Length = 32;

    [LibraryImport(Ssl)]
    public static partial nint SSL_get0_verified_chain(nint ssl);

    [LibraryImport(Crypto)]
    public static partial nint X509_STORE_CTX_get0_chain(nint storeContext);

    [LibraryImport(Crypto)]
    public static partial int OPENSSL_sk_num(nint stack);

    [LibraryImport(Crypto)]
    public static partial nint OPENSSL_sk_value(nint stack, int index);

    [LibraryImport(Crypto)]
    public static partial nint X509_get_issuer_name(nint certificate);

    [LibraryImport(Crypto)]
    public static partial nint X509_get0_pubkey(nint certificate);

    [LibraryImport(Crypto)]
    public static partial int X509_digest(nint certificate, nint algorithm, byte* digest, uint* length);

    [LibraryImport(Crypto)]
    public static partial nint EVP_sha256();

    [LibraryImport(Crypto)]
    public static partial int X509_NAME_cmp(nint left, nint right);

    [LibraryImport(Crypto)]
    public static partial nint d2i_X509_CRL(nint* reuse, byte** der, nint length);

    [LibraryImport(Crypto)]
    public static partial void X509_CRL_free(nint list);

    [LibraryImport(Crypto)]
    public static partial nint X509_CRL_get_issuer(nint list);

    [LibraryImport(Crypto)]
    public static partial int X509_CRL_get0_by_cert(nint list, nint* entry, nint certificate);

    [LibraryImport(Crypto)]
    public static partial int X509_CRL_get0_by_serial(nint list, nint* entry, nint serial);

    [LibraryImport(Crypto)]
    public static partial int X509_CRL_verify(nint list, nint key);

    [LibraryImport(Crypto)]
    public static partial nint ASN1_INTEGER_new();

    [LibraryImport(Crypto)]
    public static partial void ASN1_INTEGER_free(nint integer);

    [LibraryImport(Crypto)]
    public static partial int ERR_set_mark();

    [LibraryImport(Crypto)]
    public static partial int ERR_pop_to_mark();
}
