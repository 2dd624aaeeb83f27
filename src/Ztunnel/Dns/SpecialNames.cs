using System.Net;
using Ztunnel.Dns.Wire;

namespace Ztunnel.Dns;

/// <summary>Names that no name server is asked for: RFC 6761 §6.3 and §6.4, RFC 7686.</summary>
internal static class SpecialNames
{
    /// <summary>Whether the name is a special one, and what the answer then is.</summary>
    /// <param name="name">Lower case, no final dot.</param>
    /// <param name="type">Record type.</param>
    /// <param name="ipv6">Whether <c>::1</c> may be answered.</param>
    /// <param name="code">NXDOMAIN for names that cannot exist.</param>
    /// <param name="addresses">The loopback address of that type.</param>
    public static bool TryAnswer(string name, ushort type, bool ipv6, out DnsCode code, out IPAddress[] addresses)
    {
        code = DnsCode.NoError;
        addresses = [];
        if (IsIn(name, "localhost"))
        {
            addresses = type switch
            {
                DnsType.A => [IPAddress.Loopback],
                DnsType.Aaaa when ipv6 => [IPAddress.IPv6Loopback],
                _ => [],
            };
            return true;
        }

        code = DnsCode.NameError;
        return IsIn(name, "invalid") || IsIn(name, "onion");
    }

    private static bool IsIn(string name, string domain) =>
        name.EndsWith(domain, StringComparison.Ordinal)
        && (name.Length == domain.Length || name[name.Length - domain.Length - 1] == '.');
}
