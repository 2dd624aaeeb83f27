using System.Text;

namespace Ztunnel.Xds;

/// <summary>UTF-8 as proto3 asks for it: what is not valid is an error, not a replacement character.</summary>
internal static class StrictUtf8
{
    private static readonly UTF8Encoding Encoding = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="FormatException">It is not valid.</exception>
    public static string ToText(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Encoding.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new FormatException("not valid UTF-8", e);
        }
    }
}
