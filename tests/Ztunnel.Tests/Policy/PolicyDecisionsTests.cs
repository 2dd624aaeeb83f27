using System.Collections.Immutable;
using System.Text;
using Ztunnel.Policy;
using Ztunnel.Telemetry;
using Ztunnel.Tests.Mesh;
using static Ztunnel.Tests.Policy.Policies;
using Authorization = Ztunnel.Policy.Authorization;

namespace Ztunnel.Tests.Policy;

public sealed class PolicyDecisionsTests
{
    private readonly PolicyDecisions _decisions = new();

    public static TheoryData<string, string[]> Cases => new()
    {
        { "", ["policy=\"-\",decision=\"allow\",mode=\"enforced\""] },
        { "deny", ["policy=\"ns/deny\",decision=\"deny\",mode=\"enforced\""] },
        { "allow", ["policy=\"ns/allow\",decision=\"allow\",mode=\"enforced\""] },
        { "other", ["policy=\"-\",decision=\"deny\",mode=\"enforced\""] },
        {
            "dry deny",
            [
                "policy=\"-\",decision=\"allow\",mode=\"enforced\"",
                "policy=\"ns/deny\",decision=\"deny\",mode=\"dry_run\"",
            ]
        },
        {
            "dry allow",
            [
                "policy=\"-\",decision=\"allow\",mode=\"enforced\"",
                "policy=\"ns/allow\",decision=\"allow\",mode=\"dry_run\"",
            ]
        },
        {
            "dry other",
            [
                "policy=\"-\",decision=\"allow\",mode=\"enforced\"",
                "policy=\"-\",decision=\"deny\",mode=\"dry_run\"",
            ]
        },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Connection_IsCountedByThePolicyThatDecided(string policy, string[] expected)
    {
        Judge(Named(policy));

        Assert.Equal(
            expected.Select(labels => $"ztunnel_policy_decisions_total{"{"}{labels}{"}"} 1").Order(StringComparer.Ordinal),
            (await SamplesAsync()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task PoliciesWithoutEnd_ShareOneSeries()
    {
        for (var i = 0; i < PolicyDecisions.MaxPolicies + 7; i++)
        {
            Judge(Deny($"p{i}", When(Always)));
        }

        var samples = await SamplesAsync();

        Assert.Equal(PolicyDecisions.MaxPolicies + 1, samples.Length);
        Assert.Contains("ztunnel_policy_decisions_total{policy=\"overflow\",decision=\"deny\",mode=\"enforced\"} 7", samples);
    }

    [Fact]
    public async Task PolicyGone_ItsCountersGo()
    {
        var stays = Deny("stays", When(Always));
        Judge(stays);
        Judge(Deny("goes", When(Always)));
        Judge();

        _decisions.Forget(TestMesh.Empty.With(stays));

        Assert.Equal(
            [
                "ztunnel_policy_decisions_total{policy=\"-\",decision=\"allow\",mode=\"enforced\"} 1",
                "ztunnel_policy_decisions_total{policy=\"ns/stays\",decision=\"deny\",mode=\"enforced\"} 1",
            ],
            (await SamplesAsync()).Order(StringComparer.Ordinal));
    }

    private static ImmutableArray<Authorization> Named(string policy) => policy switch
    {
        "" => [],
        "deny" => [Deny("deny", When(Always))],
        "allow" => [Allow("allow", When(Always))],
        "other" => [Allow("other", When(Never))],
        _ => [.. Named(policy["dry ".Length..]).Select(enforced => enforced with { DryRun = true })],
    };

    private void Judge(params ImmutableArray<Authorization> policies) => PolicyEngine.Evaluate(
        new PolicySet(PolicyIndex.Empty, PolicyIndex.Empty, policies), FromClient, decisions: _decisions);

    private async Task<string[]> SamplesAsync()
    {
        var registry = new MetricsRegistry();
        _decisions.AddTo(registry);
        using var text = new MemoryStream();
        await registry.WriteAsync(text, TestContext.Current.CancellationToken);
        return [.. Encoding.UTF8.GetString(text.ToArray()).Split('\n').Where(line => line is not "" && line[0] != '#')];
    }
}
