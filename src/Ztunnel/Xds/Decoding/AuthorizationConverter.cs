using System.Collections.Immutable;
using System.Net;
using Ztunnel.Policy;
using Authorization = Ztunnel.Policy.Authorization;
using Proto = Ztunnel.Protos.SecurityApi;

namespace Ztunnel.Xds.Decoding;

/// <summary>
/// Converts policies (proto message <c>istio.security.Authorization</c>). A policy with one entry that is not understood
/// is rejected whole, so that its previous version stays: without the entry a list may be empty, and then it restricts
/// nothing.
/// </summary>
internal static class AuthorizationConverter
{
    /// <exception cref="ResourceRejectedException">Something in it is not understood.</exception>
    public static Authorization Convert(Proto.Authorization policy) => new(
        policy.Name,
        policy.Namespace,
        Scope(policy.Scope),
        Action(policy.Action),
        [.. policy.Rules.Select(rule => new PolicyRule([.. rule.Clauses.Select(Clause)]))],
        policy.DryRun);

    private static PolicyScope Scope(Proto.Scope scope) => scope switch
    {
        Proto.Scope.Global => PolicyScope.Global,
        Proto.Scope.Namespace => PolicyScope.Namespace,
        Proto.Scope.WorkloadSelector => PolicyScope.WorkloadSelector,
        _ => throw new ResourceRejectedException($"unknown policy scope {scope:D}"),
    };

    private static PolicyAction Action(Proto.Action action) => action switch
    {
        Proto.Action.Allow => PolicyAction.Allow,
        Proto.Action.Deny => PolicyAction.Deny,
        _ => throw new ResourceRejectedException($"unknown policy action {action:D}"),
    };

    private static PolicyClause Clause(Proto.Clause clause) => new([.. clause.Matches.Select(Match)]);

    private static PolicyMatch Match(Proto.Match match) => new()
    {
        Namespaces = Strings(match.Namespaces),
        NotNamespaces = Strings(match.NotNamespaces),
        Principals = Strings(match.Principals),
        NotPrincipals = Strings(match.NotPrincipals),
        ServiceAccounts = Accounts(match.ServiceAccounts),
        NotServiceAccounts = Accounts(match.NotServiceAccounts),
        SourceIps = Ranges(match.SourceIps),
        NotSourceIps = Ranges(match.NotSourceIps),
        DestinationIps = Ranges(match.DestinationIps),
        NotDestinationIps = Ranges(match.NotDestinationIps),
        DestinationPorts = Ports(match.DestinationPorts),
        NotDestinationPorts = Ports(match.NotDestinationPorts),
    };

    private static ImmutableArray<StringMatch> Strings(IEnumerable<Proto.StringMatch> entries) =>
        [.. entries.Select(String)];

    private static StringMatch String(Proto.StringMatch match) => match.MatchTypeCase switch
    {
        Proto.StringMatch.MatchTypeOneofCase.Exact => new(StringMatchKind.Exact, match.Exact),
        Proto.StringMatch.MatchTypeOneofCase.Prefix => new(StringMatchKind.Prefix, match.Prefix),
        Proto.StringMatch.MatchTypeOneofCase.Suffix => new(StringMatchKind.Suffix, match.Suffix),
        Proto.StringMatch.MatchTypeOneofCase.Presence => new(StringMatchKind.Presence, ""),
        _ => throw new ResourceRejectedException("string match of an unknown kind"),
    };

    private static ImmutableArray<ServiceAccountMatch> Accounts(IEnumerable<Proto.ServiceAccountMatch> entries) =>
        [.. entries.Select(entry => new ServiceAccountMatch(entry.Namespace, entry.ServiceAccount))];

    private static ImmutableArray<IPNetwork> Ranges(IEnumerable<Proto.Address> entries) =>
        [.. entries.Select(entry => AddressBytes.ToRange(entry.Address_, entry.Length))];

    private static ImmutableArray<ushort> Ports(IEnumerable<uint> ports) =>
    [
        .. ports.Select(port => port <= ushort.MaxValue
            ? (ushort)port
            : throw new ResourceRejectedException($"invalid port {port}")),
    ];
}
