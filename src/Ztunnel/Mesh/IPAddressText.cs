using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Ztunnel.Mesh;

/// <summary>
/// Reads an IP address in its one plain spelling: dotted decimal without leading zeros (RFC 6943 §3.1.1 "strict"), or
/// RFC 4291 §2.2 text without brackets or zone. <see cref="IPAddress.TryParse(string?, out IPAddress?)"/> alone also
/// takes <c>1</c>, <c>0x7f.1</c>, <c>010.0.0.1</c> and <c>[::1]:80</c>, which name another address elsewhere.
/// </summary>
internal static class IPAddressText
{
    private static readonly SearchValues<char> IPv6Characters = SearchValues.Create("0123456789abcdefABCDEF:.");

    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        if (!text.Contains(':'))
        {
            return IsStrictIPv4(text) && IPAddress.TryParse(text, out address);
        }

        if (text.ContainsAnyExcept(IPv6Characters))
        {
            return false;
        }

        var tail = text[(text.LastIndexOf(':') + 1)..];
        return (!tail.Contains('.') || IsStrictIPv4(tail))
            && IPAddress.TryParse(text, out address)
            && address.AddressFamily == AddressFamily.InterNetworkV6;
    }

    private static bool IsStrictIPv4(ReadOnlySpan<char> text)
    {
        var parts = 0;
        foreach (var range in text.Split('.'))
        {
            var part = text[range];
            if (++parts > 4
                || part.Length is 0 or > 3
                || part.ContainsAnyExceptInRange('0', '9')
                || (part[0] == '0' && part.Length > 1)
                || (part.Length == 3 && part.SequenceCompareTo("255") > 0))
            {
                return false;
            }
        }

        return parts == 4;
    }
}
