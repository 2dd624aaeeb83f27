using System.Collections.Immutable;
using System.Net;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hbone.Tls;
using Microsoft.Extensions.Logging;
using Ztunnel.Policy;
using Authorization = Ztunnel.Policy.Authorization;

namespace Ztunnel.Tests.Policy;

/// <summary>What holds for any policies and any connection, drawn from few values so that matches are common.</summary>
[Properties(Arbitrary = [typeof(Arbitraries)], MaxTest = 500)]
public class PolicyPropertyTests
{
    [Property]
    public bool R5_DryRun_NeverChangesTheVerdict(Sample sample) =>
        Evaluate(sample.Policies, sample) == Evaluate(sample.Policies.Where(policy => !policy.DryRun), sample);

    [Property]
    public bool Logging_NeverChangesTheVerdict(Sample sample) =>
        Evaluate(sample.Policies, sample)
            == PolicyEngine.Evaluate(sample.Policies, sample.Input, new RecordingLogger(LogLevel.Trace));

    [Property]
    public bool Order_NeverChangesTheVerdict(Sample sample) =>
        Evaluate(sample.Policies, sample) == Evaluate(sample.Policies.Reverse(), sample);

    [Property]
    public bool OneMoreDeny_NeverOpens(Sample sample) =>
        !Evaluate(sample.Policies.Add(sample.Extra with { Action = PolicyAction.Deny }), sample).Allowed
            || Evaluate(sample.Policies, sample).Allowed;

    [Property]
    public bool R5_Verdict_FollowsTheWrittenOrder(Sample sample)
    {
        var enforced = sample.Policies.Where(policy => !policy.DryRun).ToArray();
        var denies = enforced.Where(policy => policy.Action == PolicyAction.Deny);
        var allows = enforced.Where(policy => policy.Action == PolicyAction.Allow).ToArray();

        var expected = !denies.Any(policy => policy.Matches(sample.Input))
            && (allows.Length == 0 || allows.Any(policy => policy.Matches(sample.Input)));

        return Evaluate(sample.Policies, sample).Allowed == expected;
    }

    [Property]
    public bool NamedPolicy_IsEnforcedMatchesAndHasTheAction(Sample sample)
    {
        var verdict = Evaluate(sample.Policies, sample);

        return verdict.Policy is null
            || sample.Policies.Any(policy => policy.Key == verdict.Policy
                && !policy.DryRun
                && policy.Action == (verdict.Allowed ? PolicyAction.Allow : PolicyAction.Deny)
                && policy.Matches(sample.Input));
    }

    [Property]
    public bool R2_Policy_IsAnyRuleAllClausesAnyMatch(Sample sample) =>
        sample.Extra.Matches(sample.Input) == sample.Extra.Rules.Any(rule => rule.Clauses.All(clause =>
            clause.Matches.IsEmpty || clause.Matches.Any(match => match.Matches(sample.Input))));

    [Property]
    public bool Match_IsAllOfItsFieldPairs(Sample sample)
    {
        var any = sample.Match;
        PolicyMatch[] pairs =
        [
            new() { Namespaces = any.Namespaces, NotNamespaces = any.NotNamespaces },
            new() { Principals = any.Principals, NotPrincipals = any.NotPrincipals },
            new() { ServiceAccounts = any.ServiceAccounts, NotServiceAccounts = any.NotServiceAccounts },
            new() { SourceIps = any.SourceIps, NotSourceIps = any.NotSourceIps },
            new() { DestinationIps = any.DestinationIps, NotDestinationIps = any.NotDestinationIps },
            new() { DestinationPorts = any.DestinationPorts, NotDestinationPorts = any.NotDestinationPorts },
        ];
        var given = pairs.Where(pair => pair != new PolicyMatch()).ToArray();

        return any.Matches(sample.Input) == (given.Length > 0 && given.All(pair => pair.Matches(sample.Input)));
    }

    [Property]
    public bool R3_OneListNegated_IsTheOppositeMatch(Sample sample)
    {
        var any = sample.Match;
        (PolicyMatch Positive, PolicyMatch Negative)[] lists =
        [
            (new() { Namespaces = any.Namespaces }, new() { NotNamespaces = any.Namespaces }),
            (new() { Principals = any.Principals }, new() { NotPrincipals = any.Principals }),
            (new() { ServiceAccounts = any.ServiceAccounts }, new() { NotServiceAccounts = any.ServiceAccounts }),
            (new() { SourceIps = any.SourceIps }, new() { NotSourceIps = any.SourceIps }),
            (new() { DestinationIps = any.DestinationIps }, new() { NotDestinationIps = any.DestinationIps }),
            (new() { DestinationPorts = any.DestinationPorts }, new() { NotDestinationPorts = any.DestinationPorts }),
        ];

        return lists.All(list => list.Positive == new PolicyMatch()
            || list.Positive.Matches(sample.Input) != list.Negative.Matches(sample.Input));
    }

    private static PolicyVerdict Evaluate(IEnumerable<Authorization> policies, Sample sample) =>
        PolicyEngine.Evaluate([.. policies], sample.Input);

    /// <summary>One draw. Public because test methods are, of types that are not.</summary>
    public sealed class Sample
    {
        internal Sample(List<Authorization> policies, Authorization extra, PolicyMatch match, PolicyInput input) =>
            (Policies, Extra, Match, Input) = ([.. policies], extra, match, input);

        internal ImmutableArray<Authorization> Policies { get; }

        internal Authorization Extra { get; }

        internal PolicyMatch Match { get; }

        internal PolicyInput Input { get; }

        /// <summary>What FsCheck prints for a counterexample.</summary>
        public override string ToString() => $"{Input}, {Match}, {Extra}, {string.Join(", ", Policies)}";
    }

    /// <summary>Generators; FsCheck finds them by their return types.</summary>
    public static class Arbitraries
    {
        private static readonly Gen<string> Word = Gen.Elements("", "a", "ab", "b", "a/ns/b/sa/ab");

        private static readonly Gen<StringMatch> Text =
            from kind in Gen.Elements(Enum.GetValues<StringMatchKind>())
            from value in Word
            select new StringMatch(kind, value);

        private static readonly Gen<ServiceAccountMatch> Account =
            from ns in Word
            from name in Word
            select new ServiceAccountMatch(ns, name);

        private static readonly Gen<IPAddress> Address =
            Gen.Elements("10.0.0.1", "10.0.0.2", "10.1.0.1", "2001:db8::1", "2001:db8::2").Select(IPAddress.Parse);

        private static readonly Gen<IPNetwork> Cidr =
            from address in Address
            from length in Gen.Elements(0, 8, 24, 32)
            select new IPNetwork(address, length);

        private static readonly Gen<ushort> Port = Gen.Elements<ushort>(80, 8080, 9090);

        private static readonly Gen<PolicyMatch> Match =
            from namespaces in Few(Text)
            from notNamespaces in Few(Text)
            from principals in Few(Text)
            from notPrincipals in Few(Text)
            from accounts in Few(Account)
            from notAccounts in Few(Account)
            from sources in Few(Cidr)
            from notSources in Few(Cidr)
            from destinations in Few(Cidr)
            from notDestinations in Few(Cidr)
            from ports in Few(Port)
            from notPorts in Few(Port)
            select new PolicyMatch
            {
                Namespaces = namespaces,
                NotNamespaces = notNamespaces,
                Principals = principals,
                NotPrincipals = notPrincipals,
                ServiceAccounts = accounts,
                NotServiceAccounts = notAccounts,
                SourceIps = sources,
                NotSourceIps = notSources,
                DestinationIps = destinations,
                NotDestinationIps = notDestinations,
                DestinationPorts = ports,
                NotDestinationPorts = notPorts,
            };

        private static readonly Gen<PolicyRule> Rule =
            Few(Few(Match).Select(matches => new PolicyClause(matches))).Select(clauses => new PolicyRule(clauses));

        private static readonly Gen<Authorization> Policy =
            from name in Gen.Choose(0, 1_000_000)
            from ns in Gen.Elements("x", "y")
            from action in Gen.Elements(PolicyAction.Allow, PolicyAction.Deny)
            from rules in Few(Rule)
            from dryRun in Gen.Elements(true, false)
            select new Authorization($"p{name}", ns, PolicyScope.Namespace, action, rules, dryRun);

        private static readonly Gen<PolicyInput> Input =
            from source in Address
            from destination in Address
            from port in Port
            from trustDomain in Word
            from account in Account
            from plaintext in Gen.Elements(true, false)
            select new PolicyInput(
                new IPEndPoint(source, 40_000),
                new IPEndPoint(destination, port),
                plaintext ? null : new SpiffeId(trustDomain, account.Namespace, account.ServiceAccount));

        public static Arbitrary<Sample> Samples() => (
            from count in Gen.Choose(0, 6)
            from policies in Policy.ListOf(count)
            from extra in Policy
            from match in Match
            from input in Input
            select new Sample([.. policies], extra, match, input)).ToArbitrary();

        /// <summary>Mostly empty, so that whole matches do match now and then.</summary>
        private static Gen<ImmutableArray<T>> Few<T>(Gen<T> item) =>
            Gen.Frequency(
                (4, Gen.Constant(ImmutableArray<T>.Empty)),
                (2, item.Select(one => ImmutableArray.Create(one))),
                (1, item.Two().Select(two => ImmutableArray.Create(two.Item1, two.Item2))));
    }
}
