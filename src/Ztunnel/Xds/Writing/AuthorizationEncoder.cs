using System.Net;
using Google.Protobuf.WellKnownTypes;
using Ztunnel.Policy;
using Authorization = Ztunnel.Policy.Authorization;
using Proto = Ztunnel.Protos.SecurityApi;

namespace Ztunnel.Xds.Writing;

/// <summary>
/// Policies as the control plane would send them (proto message <c>istio.security.Authorization</c>): decoding gives the
/// same again.
/// </summary>
internal static class AuthorizationEncoder
{
    public static Proto.Authorization Encode(Authorization policy)
    {
        var message = new Proto.Authorization
        {
            Name = policy.Name,
            Namespace = policy.Namespace,
            Scope = policy.Scope switch
            {
                PolicyScope.Global => Proto.Scope.Global,
                PolicyScope.Namespace => Proto.Scope.Namespace,
                PolicyScope.WorkloadSelector => Proto.Scope.WorkloadSelector,
                _ => throw AddressEncoder.Unknown(policy.Scope),
            },
            Action = policy.Action switch
            {
                PolicyAction.Allow => Proto.Action.Allow,
                PolicyAction.Deny => Proto.Action.Deny,
                _ => throw AddressEncoder.Unknown(policy.Action),
            },
            DryRun = policy.DryRun,
        };
        message.Rules.Add(policy.Rules.Select(Rule));
        return message;
    }

    private static Proto.Rule Rule(PolicyRule rule)
    {
        var message = new Proto.Rule();
        foreach (var clause in rule.Clauses)
        {
            var encoded = new Proto.Clause();
            encoded.Matches.Add(clause.Matches.Select(Match));
            message.Clauses.Add(encoded);
        }

        return message;
    }

    private static Proto.Match Match(PolicyMatch match)
    {
        var message = new Proto.Match();
        message.Namespaces.Add(match.Namespaces.Select(Text));
        message.NotNamespaces.Add(match.NotNamespaces.Select(Text));
        message.Principals.Add(match.Principals.Select(Text));
        message.NotPrincipals.Add(match.NotPrincipals.Select(Text));
        message.ServiceAccounts.Add(match.ServiceAccounts.Select(Account));
        message.NotServiceAccounts.Add(match.NotServiceAccounts.Select(Account));
        message.SourceIps.Add(match.SourceIps.Select(Range));
        message.NotSourceIps.Add(match.NotSourceIps.Select(Range));
        message.DestinationIps.Add(match.DestinationIps.Select(Range));
        message.NotDestinationIps.Add(match.NotDestinationIps.Select(Range));
        message.DestinationPorts.Add(match.DestinationPorts.Select(port => (uint)port));
        message.NotDestinationPorts.Add(match.NotDestinationPorts.Select(port => (uint)port));
        return message;
    }

    private static Proto.StringMatch Text(StringMatch match) => match.Kind switch
    {
        StringMatchKind.Exact => new Proto.StringMatch { Exact = match.Value },
        StringMatchKind.Prefix => new Proto.StringMatch { Prefix = match.Value },
        StringMatchKind.Suffix => new Proto.StringMatch { Suffix = match.Value },
        StringMatchKind.Presence => new Proto.StringMatch { Presence = new Empty() },
        _ => throw AddressEncoder.Unknown(match.Kind),
    };

    private static Proto.ServiceAccountMatch Account(ServiceAccountMatch match) =>
        new() { Namespace = match.Namespace, ServiceAccount = match.ServiceAccount };

    private static Proto.Address Range(IPNetwork range) => new()
    {
        Address_ = AddressEncoder.Bytes(range.BaseAddress),
        Length = (uint)range.PrefixLength,
    };
}
