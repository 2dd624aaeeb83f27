using System.Collections.Immutable;
using System.Net;
using Hbone.Tls;

namespace Ztunnel.Policy;

/// <summary>
/// Whether a policy matches a connection. Policy: OR of rules; rule: AND of clauses; clause: OR of matches; match: AND
/// of six field pairs. Pure, allocates nothing.
/// </summary>
/// <remarks>
/// Empty differs by level: a policy without rules and a match without entries match no connection, a rule without
/// clauses and a clause without matches match every one.
/// </remarks>
internal static class PolicyMatcher
{
    /// <summary>Says nothing about the action: a matching DENY denies, a matching ALLOW allows.</summary>
    public static bool Matches(this Authorization policy, in PolicyInput input)
    {
        foreach (var rule in policy.Rules)
        {
            if (rule.Matches(in input))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>True when each clause matches.</summary>
    public static bool Matches(this PolicyRule rule, in PolicyInput input)
    {
        foreach (var clause in rule.Clauses)
        {
            if (!clause.Matches(in input))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>True when one match does, or there is none.</summary>
    public static bool Matches(this PolicyClause clause, in PolicyInput input)
    {
        foreach (var match in clause.Matches)
        {
            if (match.Matches(in input))
            {
                return true;
            }
        }

        return clause.Matches.IsEmpty;
    }

    /// <summary>True when each field pair holds and one of them has an entry.</summary>
    public static bool Matches(this PolicyMatch match, in PolicyInput input) =>
        !match.IsEmpty()
        && match.MatchesPort((ushort)input.Destination.Port)
        && MatchesAddress(match.SourceIps, match.NotSourceIps, input.Source.Address)
        && MatchesAddress(match.DestinationIps, match.NotDestinationIps, input.Destination.Address)
        && match.MatchesNamespace(input.Identity?.Namespace ?? "")
        && match.MatchesServiceAccount(input.Identity)
        && match.MatchesPrincipal(input.Identity?.Principal);

    /// <summary>Compares case-sensitively.</summary>
    public static bool Matches(this StringMatch match, string text) => match.Kind switch
    {
        StringMatchKind.Exact => string.Equals(text, match.Value, StringComparison.Ordinal),
        StringMatchKind.Prefix => text.StartsWith(match.Value, StringComparison.Ordinal),
        StringMatchKind.Suffix => text.EndsWith(match.Value, StringComparison.Ordinal),
        StringMatchKind.Presence => text.Length > 0,
        _ => throw new ArgumentOutOfRangeException(nameof(match), match.Kind, "unknown kind of string match"),
    };

    private static bool IsEmpty(this PolicyMatch match) =>
        match.Namespaces.IsEmpty && match.NotNamespaces.IsEmpty
        && match.Principals.IsEmpty && match.NotPrincipals.IsEmpty
        && match.ServiceAccounts.IsEmpty && match.NotServiceAccounts.IsEmpty
        && match.SourceIps.IsEmpty && match.NotSourceIps.IsEmpty
        && match.DestinationIps.IsEmpty && match.NotDestinationIps.IsEmpty
        && match.DestinationPorts.IsEmpty && match.NotDestinationPorts.IsEmpty;

    private static bool MatchesPort(this PolicyMatch match, ushort port) =>
        (match.DestinationPorts.IsEmpty || match.DestinationPorts.Contains(port))
        && !match.NotDestinationPorts.Contains(port);

    private static bool MatchesAddress(
        ImmutableArray<IPNetwork> positive, ImmutableArray<IPNetwork> negative, IPAddress address) =>
        (positive.IsEmpty || AnyContains(positive, address)) && !AnyContains(negative, address);

    // A plaintext caller has the empty namespace, which Exact "" and Prefix "" do match.
    private static bool MatchesNamespace(this PolicyMatch match, string ns) =>
        (match.Namespaces.IsEmpty || AnyMatches(match.Namespaces, ns)) && !AnyMatches(match.NotNamespaces, ns);

    // The trust domain is not compared. A plaintext caller has no account: it fails each positive entry and passes
    // each negative one.
    private static bool MatchesServiceAccount(this PolicyMatch match, SpiffeId? identity) => identity is null
        ? match.ServiceAccounts.IsEmpty
        : (match.ServiceAccounts.IsEmpty || AnyNames(match.ServiceAccounts, identity))
            && !AnyNames(match.NotServiceAccounts, identity);

    // Null is not the empty string here: not even Prefix "" matches a plaintext caller, so not_principals: [presence]
    // selects exactly the plaintext callers. That is how strict mTLS arrives.
    private static bool MatchesPrincipal(this PolicyMatch match, string? principal) => principal is null
        ? match.Principals.IsEmpty
        : (match.Principals.IsEmpty || AnyMatches(match.Principals, principal))
            && !AnyMatches(match.NotPrincipals, principal);

    private static bool AnyMatches(ImmutableArray<StringMatch> entries, string text)
    {
        foreach (var entry in entries)
        {
            if (entry.Matches(text))
            {
                return true;
            }
        }

        return false;
    }

    private static bool AnyNames(ImmutableArray<ServiceAccountMatch> entries, SpiffeId identity)
    {
        foreach (var entry in entries)
        {
            if (entry.Namespace == identity.Namespace && entry.ServiceAccount == identity.ServiceAccount)
            {
                return true;
            }
        }

        return false;
    }

    private static bool AnyContains(ImmutableArray<IPNetwork> entries, IPAddress address)
    {
        foreach (var entry in entries)
        {
            if (entry.Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}
