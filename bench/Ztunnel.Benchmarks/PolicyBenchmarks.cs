using System.Collections.Immutable;
using System.Net;
using BenchmarkDotNet.Attributes;
using Hbone.Tls;
using Ztunnel.Policy;
using Authorization = Ztunnel.Policy.Authorization;

namespace Ztunnel.Benchmarks;

/// <summary>Cost of a verdict when very many policies apply to a workload, per policy of 10 rules.</summary>
[MemoryDiagnoser]
public class PolicyBenchmarks
{
    private const int PolicyCount = 10_000;
    private const int RulesPerPolicy = 10;

    private readonly PolicyInput _input = new(
        new IPEndPoint(IPAddress.Parse("10.244.1.7"), 41_234),
        new IPEndPoint(IPAddress.Parse("10.244.2.9"), 8080),
        new SpiffeId("cluster.local", "shop", "frontend"));

    private ImmutableArray<Authorization> _denies;
    private ImmutableArray<Authorization> _allows;
    private PolicySet _indexedDenies;
    private PolicySet _indexedAllows;

    /// <summary>Rules that miss the caller late: the port matches, the end of the principal does not.</summary>
    [GlobalSetup]
    public void BuildPolicies()
    {
        _denies = [.. Enumerable.Range(0, PolicyCount).Select(index => Policy(index, PolicyAction.Deny))];
        _allows = [.. Enumerable.Range(0, PolicyCount).Select(index => Policy(index, PolicyAction.Allow))];
        _indexedDenies = Indexed(_denies);
        _indexedAllows = Indexed(_allows);
    }

    /// <summary>No DENY matches: each rule of each policy is looked at.</summary>
    [Benchmark(OperationsPerInvoke = PolicyCount)]
    public bool DenyPoliciesThatDoNotMatch() => PolicyEngine.Evaluate(_denies, in _input).Allowed;

    /// <summary>No ALLOW matches: refused after each rule of each policy.</summary>
    [Benchmark(OperationsPerInvoke = PolicyCount)]
    public bool AllowPoliciesThatDoNotMatch() => PolicyEngine.Evaluate(_allows, in _input).Allowed;

    /// <summary>The first of these two, where the index leaves only policies that might match.</summary>
    [Benchmark]
    public bool DenyPoliciesThatDoNotMatchIndexed() => PolicyEngine.Evaluate(in _indexedDenies, in _input).Allowed;

    /// <summary>The second.</summary>
    [Benchmark]
    public bool AllowPoliciesThatDoNotMatchIndexed() => PolicyEngine.Evaluate(in _indexedAllows, in _input).Allowed;

    private static PolicySet Indexed(ImmutableArray<Authorization> policies) => new(
        PolicyIndex.Empty, policies.Aggregate(PolicyIndex.Empty, (index, policy) => index.Add(policy)), []);

    private static Authorization Policy(int index, PolicyAction action) =>
        new($"policy-{index}", "shop", PolicyScope.Namespace, action, Rules(index), DryRun: false);

    private static ImmutableArray<PolicyRule> Rules(int policy) =>
        [.. Enumerable.Range(0, RulesPerPolicy).Select(rule => new PolicyRule([Principal(policy, rule), Source()]))];

    private static PolicyClause Principal(int policy, int rule) =>
        new(
        [
            new PolicyMatch
            {
                DestinationPorts = [8080],
                Principals =
                [
                    new StringMatch(StringMatchKind.Exact, $"cluster.local/ns/shop/sa/fe{policy:D4}{rule:D2}"),
                ],
            },
        ]);

    private static PolicyClause Source() => new([new PolicyMatch { SourceIps = [IPNetwork.Parse("10.244.0.0/16")] }]);
}
