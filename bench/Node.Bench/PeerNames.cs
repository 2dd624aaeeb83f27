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

    /// <summary>Two of our proxies on two networks, a gateway between them; inner tunnels are shared.</summary>
    public const string DoubleHbone = "double-hbone";

    /// <summary>The same with an inner tunnel for every connection.</summary>
    public const string DoubleHboneUnshared = "double-hbone-unshared";

    /// <summary>Whom a run without <c>--peers</c> compares.</summary>
    public static readonly IReadOnlyList<string> Default = [Direct, Haproxy, Ztunnel];

    public static readonly IReadOnlyList<string> All = [.. Default, DoubleHbone, DoubleHboneUnshared];
}
