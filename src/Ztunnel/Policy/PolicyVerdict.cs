namespace Ztunnel.Policy;

/// <summary>What the policies of a workload say about one connection, and why.</summary>
/// <param name="Allowed">False: the connection must be refused or cut.</param>
/// <param name="Policy">
/// Key <c>namespace/name</c> of the policy that decided, a DENY when refused and an ALLOW when allowed; null when none
/// did.
/// </param>
internal readonly record struct PolicyVerdict(bool Allowed, string? Policy)
{
    /// <summary>No DENY matched and no ALLOW applies.</summary>
    public static PolicyVerdict AllowedByDefault { get; } = new(true, null);

    /// <summary>ALLOW policies apply, none of them matched, nor did a DENY.</summary>
    public static PolicyVerdict NoneAllowed { get; } = new(false, null);

    /// <summary>
    /// Why, in the words that follow <c>connection closed due to policy rejection: </c> when the connection is refused.
    /// </summary>
    public string Reason => (Allowed, Policy) switch
    {
        (false, null) => "allow policies exist, but none allowed",
        (false, _) => $"explicitly denied by: {Policy}",
        (true, null) => "no allow policies apply",
        (true, _) => $"explicitly allowed by: {Policy}",
    };

    /// <summary>An enforced DENY matched.</summary>
    public static PolicyVerdict DeniedBy(string policy) => new(false, policy);

    /// <summary>An enforced ALLOW matched and no DENY did.</summary>
    public static PolicyVerdict AllowedBy(string policy) => new(true, policy);
}
