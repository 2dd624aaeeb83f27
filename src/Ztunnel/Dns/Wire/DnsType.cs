namespace Ztunnel.Dns.Wire;

/// <summary>Record types that this proxy does more with than pass them on, and names of the others that pods use.</summary>
internal static class DnsType
{
    public const ushort A = 1;
    public const ushort Cname = 5;
    public const ushort Aaaa = 28;
    public const ushort Opt = 41;
    public const ushort Ixfr = 251;
    public const ushort Axfr = 252;

    /// <summary>Class IN.</summary>
    public const ushort Internet = 1;

    /// <summary>Name in the metrics: lower case; one name for all that are rare, so that nobody can make series.</summary>
    public static string ToLabel(ushort type) => type switch
    {
        A => "a",
        2 => "ns",
        Cname => "cname",
        6 => "soa",
        12 => "ptr",
        13 => "hinfo",
        15 => "mx",
        16 => "txt",
        Aaaa => "aaaa",
        33 => "srv",
        35 => "naptr",
        43 => "ds",
        46 => "rrsig",
        47 => "nsec",
        48 => "dnskey",
        52 => "tlsa",
        64 => "svcb",
        65 => "https",
        Ixfr => "ixfr",
        Axfr => "axfr",
        255 => "any",
        257 => "caa",
        _ => "unknown",
    };
}
