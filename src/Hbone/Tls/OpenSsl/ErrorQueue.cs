using System.Globalization;
using System.Runtime.InteropServices;

namespace Hbone.Tls.OpenSsl;

/// <summary>Reads the calling thread's OpenSSL error queue (ERR_get_error(3)).</summary>
internal static class ErrorQueue
{
    /// <summary>What OpenSSL 3 calls a socket that ended without close_notify.</summary>
    public const string UnexpectedEof = "unexpected eof while reading";

    private const int MaxEntries = 16;

    /// <summary>Text of the oldest error, which is the cause of the later ones; empties the queue.</summary>
    public static string Take(string otherwise)
    {
        string? first = null;
        for (var i = 0; i < MaxEntries; i++)
        {
            var error = Native.ERR_get_error();
            if (error == 0)
            {
                break;
            }

            first ??= Marshal.PtrToStringUTF8(Native.ERR_reason_error_string(error))
                ?? string.Create(CultureInfo.InvariantCulture, $"OpenSSL error {error:x8}");
        }

        return first ?? otherwise;
    }

    /// <summary>Throws when an OpenSSL set-up call did not return 1.</summary>
    public static void ThrowUnless(bool succeeded, string what)
    {
        if (!succeeded)
        {
            throw new TlsException($"{what}: {Take("no reason given")}");
        }
    }
}
