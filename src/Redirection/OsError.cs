using System.ComponentModel;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Redirection;

/// <summary>An error number of Linux (errno(3)), printed as operators of the node proxy know it.</summary>
/// <param name="Number">The errno value, positive.</param>
public readonly record struct OsError(int Number)
{
    // Linux reserves 1 to 4095 for errno. Outside of it an HResult is one of .NET's own.
    private const int HighestNumber = 4095;
    private const int TooManyOpenFiles = 24; // EMFILE

    /// <summary>The system's text for it, the C library's <c>strerror</c>, without the number.</summary>
    public string Text => Marshal.GetPInvokeErrorMessage(Number);

    /// <summary>What the last failed system call of this thread left behind.</summary>
    internal static OsError Last => new(Marshal.GetLastPInvokeError());

    /// <summary>
    /// The error behind an exception, as in <c>Connection refused (os error 111)</c>; the exception's own message when the
    /// system had no part in it.
    /// </summary>
    public static string Describe(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return TryFind(exception, out var error) ? error.ToString() : exception.Message;
    }

    /// <summary>Finds the error number that an exception, or the one it wraps, was made from.</summary>
    public static bool TryFind(Exception exception, out OsError error)
    {
        ArgumentNullException.ThrowIfNull(exception);
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            // On Unix NativeErrorCode is errno although SocketErrorCode has Winsock's numbers; it is -1 where the two do
            // not meet. Winsock has one number for the process's limit of descriptors and the system's, and .NET
            // translates it back to the system's, which is never the one that was reached. Files and our own system
            // calls put errno into HResult.
            var number = cause switch
            {
                SocketException { SocketErrorCode: SocketError.TooManyOpenSockets } => TooManyOpenFiles,
                SocketException socket => socket.NativeErrorCode,
                Win32Exception system => system.NativeErrorCode,
                IOException file => file.HResult,
                _ => 0,
            };
            if (number is > 0 and <= HighestNumber)
            {
                error = new OsError(number);
                return true;
            }
        }

        error = default;
        return false;
    }

    /// <summary>Text and number: <c>Connection refused (os error 111)</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Text} (os error {Number})");

    /// <summary>An exception that says what failed and keeps the number.</summary>
    internal IOException ToException(string failure) => new($"{failure}: {this}", Number);
}
