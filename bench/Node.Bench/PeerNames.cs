namespace Node.Bench;

/// <summary>What stands between client and server.</summary>
internal static class PeerNames
{
    /// <summary>Nothing: the limit of this machine and of the load clients.</summary>
    public const string Direct = "direct";

    /// <summary>Two HAProxy processes with mutual TLS between them.</summary>
    public const string Haproxy = "haproxy";

    /// <summary>Two of our proxies with HBONE between them.</summary>
    public const string Ztunnel = "ztunnel";

    public static readonly IReadOnlyList<string> All = [Direct, Haproxy, Ztunnel];
}
