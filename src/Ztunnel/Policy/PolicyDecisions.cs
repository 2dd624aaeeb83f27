using System.Collections.Concurrent;
using Ztunnel.Mesh;
using Ztunnel.Telemetry;

namespace Ztunnel.Policy;

/// <summary>
/// Counts which policy decided on new inbound connections, and what those in a dry run would have said. Any thread.
/// </summary>
internal sealed class PolicyDecisions
{
    /// <summary>Policies with counters of their own; those that come later share one.</summary>
    public const int MaxPolicies = 1000;

    private const string NoPolicy = "-";
    private const string Overflow = "overflow";

    private readonly ConcurrentDictionary<Decision, Counter> _counters = [];
    private readonly ConcurrentDictionary<string, byte> _policies = new(StringComparer.Ordinal);

    /// <summary>Shows the counters on the metrics page.</summary>
    public void AddTo(MetricsRegistry registry) => registry.Add(new MetricFamily(
        "ztunnel_policy_decisions",
        "Decisions on new inbound connections by the policy that took them, with - where none matched (unstable).",
        "counter",
        () => _counters.Select(counter => new MetricSample(counter.Value.Value, counter.Key.WriteTo))));

    /// <summary>A connection was judged.</summary>
    public void Enforced(in PolicyVerdict verdict) => Add(verdict.Policy, verdict.Allowed, isDryRun: false);

    /// <summary>What a policy that is not enforced says of it; null when there are ALLOW policies and none matched.</summary>
    public void WouldHave(string? policy, bool allowed) => Add(policy, allowed, isDryRun: true);

    /// <summary>Drops counters of policies that are in the mesh no more. What is counted at the same time may be lost.</summary>
    public void Forget(MeshSnapshot mesh)
    {
        foreach (var policy in _policies.Keys.Where(policy => mesh.FindPolicy(policy) is null))
        {
            foreach (var decision in _counters.Keys.Where(decision => decision.Policy == policy))
            {
                _counters.TryRemove(decision, out _);
            }

            _policies.TryRemove(policy, out _);
        }
    }

    private void Add(string? policy, bool allowed, bool isDryRun)
    {
        var decision = new Decision(policy ?? NoPolicy, allowed, isDryRun);
        if (!_counters.TryGetValue(decision, out var counter))
        {
            if (policy is not null && !TryAddPolicy(policy))
            {
                decision = decision with { Policy = Overflow };
            }

            counter = _counters.GetOrAdd(decision, static _ => new Counter());
        }

        counter.Increment();
    }

    // Two at the same moment may exceed the number by one, which does no harm.
    private bool TryAddPolicy(string policy) =>
        _policies.ContainsKey(policy) || (_policies.Count < MaxPolicies && _policies.TryAdd(policy, 0))
        || _policies.ContainsKey(policy);

    private readonly record struct Decision(string Policy, bool Allowed, bool IsDryRun)
    {
        public void WriteTo(MetricsText text)
        {
            text.Label("policy"u8, Policy);
            text.Label("decision"u8, Allowed ? "allow" : "deny");
            text.Label("mode"u8, IsDryRun ? "dry_run" : "enforced");
        }
    }

    private sealed class Counter
    {
        private long _value;

        public long Value => Volatile.Read(ref _value);

        public void Increment() => Interlocked.Increment(ref _value);
    }
}
