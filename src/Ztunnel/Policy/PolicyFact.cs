using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Ztunnel.Policy;

/// <summary>One thing about a connection that a policy can ask for by an exact value.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Text">Principal, namespace, or the namespace of a service account; else empty.</param>
/// <param name="Account">Service account; else empty.</param>
/// <param name="Address">IPv4 source address; else null.</param>
/// <param name="Port">Destination port; else 0.</param>
internal readonly record struct PolicyFact(
    PolicyFactKind Kind, string Text = "", string Account = "", IPAddress? Address = null, ushort Port = 0)
{
    /// <summary>
    /// Facts of which one is true whenever the policy matches: of each rule those of its most telling clause. Null when
    /// there is a rule that no exact value is needed for.
    /// </summary>
    public static IReadOnlyCollection<PolicyFact>? NeededBy(Authorization policy)
    {
        var facts = new HashSet<PolicyFact>();
        foreach (var rule in policy.Rules)
        {
            List<PolicyFact>? best = null;
            foreach (var clause in rule.Clauses)
            {
                if (NeededBy(clause) is { } needed && (best is null || Cost(needed) < Cost(best)))
                {
                    best = needed;
                }
            }

            if (best is null)
            {
                return null;
            }

            facts.UnionWith(best);
        }

        return facts;
    }

    /// <summary>What a connection is, of one kind; null when there is nothing of that kind.</summary>
    public static PolicyFact? Of(PolicyFactKind kind, in PolicyInput input) => kind switch
    {
        PolicyFactKind.Principal => input.Identity is { } identity ? new(kind, identity.Principal) : null,
        PolicyFactKind.ServiceAccount =>
            input.Identity is { } identity ? new(kind, identity.Namespace, identity.ServiceAccount) : null,
        PolicyFactKind.SourceAddress => new(kind, Address: Unmapped(input.Source.Address)),
        PolicyFactKind.Namespace => new(kind, input.Identity?.Namespace ?? ""),
        PolicyFactKind.DestinationPort => new(kind, Port: (ushort)input.Destination.Port),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown kind of fact"),
    };

    // A clause needs what each of its matches needs; one without matches needs nothing.
    private static List<PolicyFact>? NeededBy(PolicyClause clause)
    {
        if (clause.Matches.IsEmpty)
        {
            return null;
        }

        var facts = new List<PolicyFact>();
        foreach (var match in clause.Matches)
        {
            if (match == new PolicyMatch())
            {
                continue; // matches nothing
            }

            if (!TryAddNeeded(match, facts))
            {
                return null;
            }
        }

        return facts;
    }

    // The fields of a match are ANDed: any one of them will do, the most telling first.
    private static bool TryAddNeeded(PolicyMatch match, List<PolicyFact> facts)
    {
        if (AreExact(match.Principals))
        {
            facts.AddRange(match.Principals.Select(name => new PolicyFact(PolicyFactKind.Principal, name.Value)));
        }
        else if (!match.ServiceAccounts.IsEmpty)
        {
            facts.AddRange(match.ServiceAccounts.Select(
                account => new PolicyFact(PolicyFactKind.ServiceAccount, account.Namespace, account.ServiceAccount)));
        }
        else if (AreHosts(match.SourceIps))
        {
            facts.AddRange(match.SourceIps.Select(
                range => new PolicyFact(PolicyFactKind.SourceAddress, Address: range.BaseAddress)));
        }
        else if (AreExact(match.Namespaces))
        {
            facts.AddRange(match.Namespaces.Select(name => new PolicyFact(PolicyFactKind.Namespace, name.Value)));
        }
        else if (!match.DestinationPorts.IsEmpty)
        {
            facts.AddRange(match.DestinationPorts.Select(
                port => new PolicyFact(PolicyFactKind.DestinationPort, Port: port)));
        }
        else
        {
            return false;
        }

        return true;
    }

    private static bool AreExact(ImmutableArray<StringMatch> texts) =>
        !texts.IsEmpty && texts.All(text => text.Kind == StringMatchKind.Exact);

    private static IPAddress Unmapped(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    // Of IPv4 only: IPv6 addresses of a range can differ from its base by their scope.
    private static bool AreHosts(ImmutableArray<IPNetwork> ranges) =>
        !ranges.IsEmpty && ranges.All(range =>
            range is { PrefixLength: 32, BaseAddress.AddressFamily: AddressFamily.InterNetwork });

    // Most connections share their port, many their namespace.
    private static int Cost(List<PolicyFact> facts) => facts.Count == 0 ? 0 : facts.Max(fact => (int)fact.Kind);
}

/// <summary>Kinds of facts, the most telling first.</summary>
internal enum PolicyFactKind
{
    Principal,
    ServiceAccount,
    SourceAddress,
    Namespace,
    DestinationPort,
}
