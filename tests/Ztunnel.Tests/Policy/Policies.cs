using System.Collections.Immutable;
using System.Net;
using Hbone.Tls;
using Ztunnel.Policy;
using Authorization = Ztunnel.Policy.Authorization;

namespace Ztunnel.Tests.Policy;

/// <summary>Short ways to write policies and connections.</summary>
internal static class Policies
{
    public static readonly SpiffeId Client = new("cluster.local", "default", "client");

    public static readonly SpiffeId Other = new("other.domain", "shop", "web");

    /// <summary>From 10.0.0.1:40000 to 127.0.0.2:8080, plaintext.</summary>
    public static readonly PolicyInput Plaintext =
        new(IPEndPoint.Parse("10.0.0.1:40000"), IPEndPoint.Parse("127.0.0.2:8080"), Identity: null);

    /// <summary>The same connection from <see cref="Client"/>.</summary>
    public static readonly PolicyInput FromClient = Plaintext with { Identity = Client };

    /// <summary>The same connection from <see cref="Other"/>.</summary>
    public static readonly PolicyInput FromOther = Plaintext with { Identity = Other };

    /// <summary>Matches every connection: some port that no connection of these tests has is excluded.</summary>
    public static readonly PolicyMatch Always = new() { NotDestinationPorts = [1] };

    /// <summary>Matches no connection of these tests.</summary>
    public static readonly PolicyMatch Never = new() { DestinationPorts = [1] };

    public static StringMatch Exact(string value) => new(StringMatchKind.Exact, value);

    public static StringMatch Prefix(string value) => new(StringMatchKind.Prefix, value);

    public static StringMatch Suffix(string value) => new(StringMatchKind.Suffix, value);

    public static StringMatch Presence() => new(StringMatchKind.Presence, "");

    public static PolicyClause Clause(params ImmutableArray<PolicyMatch> matches) => new(matches);

    public static PolicyRule Rule(params ImmutableArray<PolicyClause> clauses) => new(clauses);

    public static Authorization Allow(string name, params ImmutableArray<PolicyRule> rules) =>
        new(name, "ns", PolicyScope.Namespace, PolicyAction.Allow, rules, DryRun: false);

    public static Authorization Deny(string name, params ImmutableArray<PolicyRule> rules) =>
        Allow(name, rules) with { Action = PolicyAction.Deny };

    public static PolicyRule When(PolicyMatch match) => Rule(Clause(match));
}
