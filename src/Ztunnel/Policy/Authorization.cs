using System.Collections.Immutable;
using System.Net;

namespace Ztunnel.Policy;

/// <summary>An L4 authorization policy (proto message <c>istio.security.Authorization</c>). Immutable.</summary>
/// <param name="Rules">ORed; a policy without rules never matches.</param>
/// <param name="DryRun">Logged, never enforced.</param>
internal sealed record Authorization(
    string Name,
    string Namespace,
    PolicyScope Scope,
    PolicyAction Action,
    ImmutableArray<PolicyRule> Rules,
    bool DryRun)
{
    /// <summary>What workloads reference and logs name: <c>namespace/name</c>.</summary>
    public string Key => $"{Namespace}/{Name}";
}

/// <summary>Proto message <c>Rule</c> (Istio: <c>Group</c>): clauses ANDed; none matches everything.</summary>
internal sealed record PolicyRule(ImmutableArray<PolicyClause> Clauses);

/// <summary>Proto message <c>Clause</c> (Istio: <c>Rules</c>): matches ORed; none matches everything.</summary>
internal sealed record PolicyClause(ImmutableArray<PolicyMatch> Matches);

/// <summary>
/// Proto message <c>Match</c>: six field pairs ANDed; in a pair at least one positive entry matches (or there is none)
/// and no negative entry does. A match with every list empty matches nothing.
/// </summary>
internal sealed record PolicyMatch
{
    public ImmutableArray<StringMatch> Namespaces { get; init; } = [];

    public ImmutableArray<StringMatch> NotNamespaces { get; init; } = [];

    public ImmutableArray<StringMatch> Principals { get; init; } = [];

    public ImmutableArray<StringMatch> NotPrincipals { get; init; } = [];

    public ImmutableArray<ServiceAccountMatch> ServiceAccounts { get; init; } = [];

    public ImmutableArray<ServiceAccountMatch> NotServiceAccounts { get; init; } = [];

    public ImmutableArray<IPNetwork> SourceIps { get; init; } = [];

    public ImmutableArray<IPNetwork> NotSourceIps { get; init; } = [];

    public ImmutableArray<IPNetwork> DestinationIps { get; init; } = [];

    public ImmutableArray<IPNetwork> NotDestinationIps { get; init; } = [];

    public ImmutableArray<ushort> DestinationPorts { get; init; } = [];

    public ImmutableArray<ushort> NotDestinationPorts { get; init; } = [];
}

/// <summary>Namespace and service account of a caller, trust domain ignored.</summary>
internal readonly record struct ServiceAccountMatch(string Namespace, string ServiceAccount);

/// <summary>Proto message <c>StringMatch</c>; case-sensitive.</summary>
/// <param name="Kind">How <paramref name="Value"/> is compared.</param>
/// <param name="Value">Empty for <see cref="StringMatchKind.Presence"/>.</param>
internal readonly record struct StringMatch(StringMatchKind Kind, string Value);

/// <summary>Members of the oneof in <c>StringMatch</c>.</summary>
internal enum StringMatchKind
{
    Exact,
    Prefix,
    Suffix,

    /// <summary>Any non-empty text.</summary>
    Presence,
}

/// <summary>Which workloads a policy applies to (proto enum <c>Scope</c>).</summary>
internal enum PolicyScope
{
    /// <summary>Every workload of the mesh.</summary>
    Global,

    /// <summary>Workloads of the policy's namespace.</summary>
    Namespace,

    /// <summary>Workloads that name the policy's key.</summary>
    WorkloadSelector,
}

/// <summary>Proto enum <c>Action</c>.</summary>
internal enum PolicyAction
{
    Allow,
    Deny,
}
