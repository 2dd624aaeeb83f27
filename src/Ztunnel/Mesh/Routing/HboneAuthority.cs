using System.Buffers;
using System.Globalization;
using System.Net;

namespace Ztunnel.Mesh.Routing;

/// <summary>
/// The <c>:authority</c> of a CONNECT (RFC 9113 §8.5): <c>ip:port</c>, <c>[ip]:port</c> or <c>hostname:port</c>.
/// Stricter than RFC 3986 §3.2: no user info and no leading zeros, which peers read in different ways.
/// </summary>
internal sealed record HboneAuthority
{
    private const int MaxHostnameLength = 253;

    // RFC 3986 reg-name without percent-encoding and sub-delims, and the wildcard that names of ServiceEntries may
    // start with.
    private static readonly SearchValues<char> HostnameCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~*");

    private HboneAuthority(IPAddress? address, string? hostname, ushort port) =>
        (Address, Hostname, Port) = (address, hostname, port);

    /// <summary>Set for an address; an IPv4-mapped one stays as it came, so it is never a pod's.</summary>
    public IPAddress? Address { get; }

    /// <summary>Set for a name; compared as it came, case and trailing dot included.</summary>
    public string? Hostname { get; }

    public ushort Port { get; }

    public static HboneAuthority? TryParse(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon < 0 || !TryParsePort(text.AsSpan(colon + 1), out var port))
        {
            return null;
        }

        var host = text.AsSpan(0, colon);
        if (host is ['[', .. var literal, ']'])
        {
            return literal.Contains(':') && IPAddressText.TryParse(literal, out var ipv6)
                ? new(ipv6, null, port)
                : null;
        }

        if (host.Contains(':'))
        {
            return null;
        }

        if (IPAddressText.TryParse(host, out var ipv4))
        {
            return new(ipv4, null, port);
        }

        return IsHostname(host) ? new(null, host.ToString(), port) : null;
    }

    /// <summary>The form of the wire and of <c>dst.hbone_addr</c>.</summary>
    public override string ToString() =>
        Address is null
            ? string.Create(CultureInfo.InvariantCulture, $"{Hostname}:{Port}")
            : new IPEndPoint(Address, Port).ToString();

    private static bool TryParsePort(ReadOnlySpan<char> text, out ushort port)
    {
        port = 0;
        return text.Length is > 0 and <= 5
            && (text[0] != '0' || text.Length == 1)
            && ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port);
    }

    private static bool IsHostname(ReadOnlySpan<char> host) =>
        host.Length is > 0 and <= MaxHostnameLength
        && !host.ContainsAnyExcept(HostnameCharacters)
        && !IsIPv4WithLeadingZeros(host);

    // 010.0.0.1 is 8.0.0.1 to some readers and 10.0.0.1 to others.
    private static bool IsIPv4WithLeadingZeros(ReadOnlySpan<char> host)
    {
        var (labels, padded) = (0, false);
        foreach (var range in host.Split('.'))
        {
            var label = host[range];
            if (label.IsEmpty || label.ContainsAnyExceptInRange('0', '9'))
            {
                return false;
            }

            labels++;
            padded |= label.Length > 1 && label[0] == '0';
        }

        return labels == 4 && padded;
    }
}
