using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Ztunnel.Mesh;

/// <summary>
/// Address ranges in the notation of RFC 4632 §3.1, host bits tolerated: <c>127.0.0.1/24</c> is 127.0.0.0/24.
/// </summary>
internal static class Cidr
{
    /// <summary>Reads <c>address/length</c>; an address alone is the range of just that address.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IPNetwork network)
    {
        network = default;
        var slash = text.IndexOf('/');
        if (!IPAddressText.TryParse(slash < 0 ? text : text[..slash], out var address))
        {
            return false;
        }

        var length = BitsOf(address);
        if (slash >= 0
            && (!int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out length)
                || length > BitsOf(address)))
        {
            return false;
        }

        network = Containing(address, length);
        return true;
    }

    /// <summary>The range of that length which <paramref name="address"/> lies in.</summary>
    public static IPNetwork Containing(IPAddress address, int prefixLength)
    {
        Span<byte> bytes = stackalloc byte[16];
        _ = address.TryWriteBytes(bytes, out var count);
        bytes = bytes[..count];
        var whole = prefixLength / 8;
        if (whole < count)
        {
            bytes[whole] &= (byte)(0xFF00 >> (prefixLength % 8));
            bytes[(whole + 1)..].Clear();
        }

        return new IPNetwork(new IPAddress(bytes), prefixLength);
    }

    private static int BitsOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
}
