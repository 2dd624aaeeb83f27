using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ztunnel.Identity;

/// <summary>Certificate serial numbers (RFC 5280 section 4.1.2.2): positive, at most 20 bytes, big-endian.</summary>
internal static class SerialNumber
{
    private const int Length = 20;

    /// <summary>158 random bits: the sign bit is off, and the next one on so that the length never varies.</summary>
    public static byte[] NewRandom()
    {
        var bytes = RandomNumberGenerator.GetBytes(Length);
        bytes[0] = (byte)((bytes[0] & 0x7F) | 0x40);
        return bytes;
    }

    /// <summary>The form of the config dump, which <c>istioctl</c> parses as base 10.</summary>
    public static string ToDecimal(X509Certificate2 certificate) =>
        new BigInteger(certificate.SerialNumberBytes.Span, isUnsigned: true, isBigEndian: true)
            .ToString(CultureInfo.InvariantCulture);
}
