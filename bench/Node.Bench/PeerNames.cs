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

    /// <summary>One HAProxy that passes plain TCP on, with splicing when it thinks best.</summary>
    public const string HaproxyAuto = "haproxy-auto";

    /// <summary>The same, splicing whatever it can.</summary>
    public const string HaproxySplice = "haproxy-splice";

    /// <summary>One of our proxies, passing plain TCP on by copying.</summary>
    public const string Copy = "ztunnel-copy";

    /// <summary>The same with splicing.</summary>
    public const string Splice = "ztunnel-splice";

    /// <summary>Those that are compared by default: a tunnel between two proxies.</summary>
    public static readonly IReadOnlyList<string> Pairs = [Direct, Haproxy, Ztunnel];

    /// <summary>Those that pass plain TCP on in one hop.</summary>
    public static readonly IReadOnlyList<string> Passthrough = [Direct, HaproxyAuto, HaproxySplice, Copy, Splice];

    public static readonly IReadOnlyList<string> All = [.. Pairs.Union(Passthrough), DoubleHbone, DoubleHboneUnshared];

    /// <summary>Whether it is a proxy of ours.</summary>
    public static bool IsOurs(string peer) => peer is not (Direct or Haproxy or HaproxyAuto or HaproxySplice);

    /// <summary>Whose figures are divided by the others', the last of ours.</summary>
    public static string Ours(IReadOnlyList<string> peers) => peers.LastOrDefault(IsOurs) ?? Ztunnel;

    /// <summary>The HAProxy in the run, the last of them.</summary>
    public static string Reference(IReadOnlyList<string> peers) =>
        peers.LastOrDefault(peer => peer is Haproxy or HaproxyAuto or HaproxySplice) ?? Haproxy;
}
