using System.Collections.Immutable;
using System.Net;
using FsCheck.Xunit;
using Hbone.Tls;
using Ztunnel.Mesh;
using Ztunnel.Policy;
using Ztunnel.Tests.Mesh;
using Authorization = Ztunnel.Policy.Authorization;

namespace Ztunnel.Tests.Policy;

/// <summary>Verdicts out of the index against those of looking at every policy.</summary>
[Properties(Arbitrary = [typeof(PolicyPropertyTests.Arbitraries)], MaxTest = 2000)]
public class PolicyIndexTests
{
    [Property]
    public bool AnyPolicies_SameVerdictAndSameNamedPolicyAsTheWalk(PolicyPropertyTests.Sample sample)
    {
        var policies = Distinct(sample);
        var named = policies.Where((_, index) => index % 3 == 2).ToImmutableArray();
        var set = new PolicySet(
            IndexOf(policies.Where((_, index) => index % 3 == 0)),
            IndexOf(policies.Where((_, index) => index % 3 == 1)),
            named);

        return PolicyEngine.Evaluate(in set, sample.Input) == PolicyEngine.Evaluate(policies, sample.Input);
    }

    [Property]
    public bool PolicyThatWasRemoved_LeavesNothingBehind(PolicyPropertyTests.Sample sample)
    {
        var policies = Distinct(sample);
        var index = policies.Aggregate(PolicyIndex.Empty, (index, policy) => index.Add(policy));
        var kept = policies.Where((_, position) => position % 2 == 0).ToImmutableArray();
        index = policies.Except(kept).Aggregate(index, (index, policy) => index.Remove(policy));
        var set = new PolicySet(index, PolicyIndex.Empty, []);

        return PolicyEngine.Evaluate(in set, sample.Input) == PolicyEngine.Evaluate(kept, sample.Input)
            && kept.Aggregate(index, (index, policy) => index.Remove(policy)).IsEmpty;
    }

    [Property]
    public bool PolicyThatMatches_HasAFactOfTheConnection(PolicyPropertyTests.Sample sample)
    {
        var facts = PolicyFact.NeededBy(sample.Extra);
        return facts is null
            || !sample.Extra.Matches(sample.Input)
            || Enum.GetValues<PolicyFactKind>().Any(kind =>
                PolicyFact.Of(kind, sample.Input) is { } fact && facts.Contains(fact));
    }

    [Theory]
    [InlineData("10.0.0.1/32", "10.0.0.1", true)]
    [InlineData("10.0.0.1/32", "::ffff:10.0.0.1", null)]
    [InlineData("fe80::1/128", "fe80::1%3", null)]
    [InlineData("10.0.0.1/32", "10.0.0.2", false)]
    public void HostAddress_HoweverWritten_IsJudgedAsByTheWalk(string range, string source, bool? matches)
    {
        var match = new PolicyMatch { SourceIps = [IPNetwork.Parse(range)] };
        var policy = new Authorization(
            "p", "ns", PolicyScope.Global, PolicyAction.Deny, [new([new([match])])], DryRun: false);
        var input = new PolicyInput(
            new(IPAddress.Parse(source), 1), new(IPAddress.Loopback, 2), new SpiffeId("td", "ns", "sa"));
        var set = new PolicySet(PolicyIndex.Empty.Add(policy), PolicyIndex.Empty, []);

        Assert.Equal(PolicyEngine.Evaluate([policy], input), PolicyEngine.Evaluate(in set, input));
        if (matches is { } expected)
        {
            Assert.Equal(!expected, PolicyEngine.Evaluate(in set, input).Allowed);
        }
    }

    [Fact]
    public void SetOfAWorkload_IsWhatBindsToIt()
    {
        var deny = Ztunnel.Tests.Mesh.Policies.Namespaced("n") with { Action = PolicyAction.Deny, Rules = [new([])] };
        var snapshot = TestMesh.Empty.With(deny);
        var input = new PolicyInput(new(IPAddress.Loopback, 1), new(IPAddress.Loopback, 2), null);

        Assert.Equal("ns1/n", Evaluate(snapshot, TestMesh.Pod("a"), input).Policy);
        Assert.True(Evaluate(snapshot, TestMesh.Pod("a") with { Namespace = "ns2" }, input).Allowed);
        Assert.True(Evaluate(snapshot.Without(deny), TestMesh.Pod("a"), input).Allowed);

        var named = snapshot.With(deny with { Scope = PolicyScope.WorkloadSelector });
        Assert.True(Evaluate(named, TestMesh.Pod("a"), input).Allowed);
        var naming = TestMesh.Pod("a") with { AuthorizationPolicies = ["ns1/n"] };
        Assert.Equal("ns1/n", Evaluate(named, naming, input).Policy);
    }

    private static PolicyVerdict Evaluate(MeshSnapshot snapshot, Workload workload, PolicyInput input) =>
        PolicyEngine.Evaluate(snapshot.PolicySetFor(workload), in input);

    private static ImmutableArray<Authorization> Distinct(PolicyPropertyTests.Sample sample) =>
        [.. sample.Policies.Add(sample.Extra).DistinctBy(policy => policy.Key)];

    private static PolicyIndex IndexOf(IEnumerable<Authorization> policies) =>
        policies.Aggregate(PolicyIndex.Empty, (index, policy) => index.Add(policy));
}
