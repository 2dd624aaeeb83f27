using System.Runtime.InteropServices;

namespace Hbone.Tls.OpenSsl;

/// <summary>
/// Names for X509_V_ERR_* (X509_STORE_CTX_get_error(3)): the reference's words where it has one, else OpenSSL's text.
/// </summary>
internal static class VerifyResult
{
    /// <summary>The name of a verification result other than 0.</summary>
    public static string Describe(int result) => result switch
    {
        2 or 18 or 19 or 20 or 21 or 24 or 79 => "UnknownIssuer",
        7 => "BadSignature",
        9 => "NotValidYet",
        10 => "Expired",
        23 => "Revoked",
        26 => "InvalidPurpose",
        _ => Marshal.PtrToStringUTF8(Native.X509_verify_cert_error_string(result)) ?? $"verification result {result}",
    };
}
