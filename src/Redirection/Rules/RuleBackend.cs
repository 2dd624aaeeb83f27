namespace Redirection.Rules;

/// <summary>Which tool programs the redirection. One pod uses one of them; they do not see each other's rules.</summary>
public enum RuleBackend
{
    /// <summary><c>nft</c>, one table of the <c>inet</c> family per purpose.</summary>
    Nftables,

    /// <summary><c>iptables-restore</c> and <c>ip6tables-restore</c>, either variant of them.</summary>
    Iptables,
}
