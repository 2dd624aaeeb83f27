using Google.Protobuf.WellKnownTypes;
using Ztunnel.Policy;
using Authorization = Ztunnel.Policy.Authorization;
using IPNetwork = System.Net.IPNetwork;
using Proto = Ztunnel.Protos.SecurityApi;

namespace ControlPlane;

/// <summary>Writes policies (proto message <c>istio.security.Authorization</c>).</summary>
internal static class PolicyMessage
{
    public static Proto.Authorization Of(Authorization policy)
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
                _ => throw new ArgumentOutOfRangeException(nameof(policy), policy.Scope, "unknown scope"),
            },
            Action = policy.Action == PolicyAction.Deny ? Proto.Action.Deny : Proto.Action.Allow,
            DryRun = policy.DryRun,
        };
        foreach (var rule in policy.Rules)
        {
            var rules = new Proto.Rule();
            rules.Clauses.Add(rule.Clauses.Select(clause => new Proto.Clause { Matches = { clause.Matches.Select(Of) } }));
            message.Rules.Add(rules);
        }

        return message;
    }

    private static Proto.Match Of(PolicyMatch match) => new()
    {
        Namespaces = { match.Namespaces.Select(Text) },
        NotNamespaces = { match.NotNamespaces.Select(Text) },
        Principals = { match.Principals.Select(Text) },
        NotPrincipals = { match.NotPrincipals.Select(Text) },
        ServiceAccounts = { match.ServiceAccounts.Select(Account) },
        NotServiceAccounts = { match.NotServiceAccounts.Select(Account) },
        SourceIps = { match.SourceIps.Select(Range) },
        NotSourceIps = { match.NotSourceIps.Select(Range) },
        DestinationIps = { match.DestinationIps.Select(Range) },
        NotDestinationIps = { match.NotDestinationIps.Select(Range) },
        DestinationPorts = { match.DestinationPorts.Select(port => (uint)port) },
        NotDestinationPorts = { match.NotDestinationPorts.Select(port => (uint)port) },
    };

    private static Proto.StringMatch Text(StringMatch match) => match.Kind switch
    {
        StringMatchKind.Exact => new() { Exact = match.Value },
        StringMatchKind.Prefix => new() { Prefix = match.Value },
        StringMatchKind.Suffix => new() { Suffix = match.Value },
        StringMatchKind.Presence => new() { Presence = new Empty() },
        _ => throw new ArgumentOutOfRangeException(nameof(match), match.Kind, "unknown kind"),
    };

    private static Proto.ServiceAccountMatch Account(ServiceAccountMatch match) =>
        new() { Namespace = match.Namespace, ServiceAccount = match.ServiceAccount };

    private static Proto.Address Range(IPNetwork range) => new()
    {
        Address_ = WorkloadMessage.Bytes(range.BaseAddress),
        Length = (uint)range.PrefixLength,
    };
}
