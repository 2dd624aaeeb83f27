using System.Collections.Immutable;
using Ztunnel.Mesh.Maps;
using ByKey = System.Collections.Immutable.ImmutableSortedDictionary<string, Ztunnel.Policy.Authorization>;

namespace Ztunnel.Policy;

/// <summary>
/// Policies that all apply to the same workloads, found by what a connection must be to match them
/// (<see cref="PolicyFact"/>), so that a verdict looks only at those that might. Immutable; a change costs what the changed
/// policy costs.
/// </summary>
internal sealed class PolicyIndex
{
    private readonly Enforced _denies;
    private readonly Enforced _allows;

    private PolicyIndex(Enforced denies, Enforced allows, ByKey dryRun) =>
        (_denies, _allows, DryRun) = (denies, allows, dryRun);

    public static PolicyIndex Empty { get; } = new(Enforced.None, Enforced.None, NoPolicies);

    /// <summary>Those that are only logged.</summary>
    public ByKey DryRun { get; }

    public bool IsEmpty => _denies.Count + _allows.Count + DryRun.Count == 0;

    public bool HasAllows => _allows.Count > 0;

    private static ByKey NoPolicies => ImmutableSortedDictionary.Create<string, Authorization>(StringComparer.Ordinal);

    /// <summary>Of the enforced policies with that action that match, the first by key.</summary>
    public KeyValuePair<string, Authorization>? FirstMatch(PolicyAction action, in PolicyInput input)
    {
        var policies = action == PolicyAction.Deny ? _denies : _allows;
        if (policies.Count == 0)
        {
            return null;
        }

        var first = FirstMatch(policies.Others, in input, before: null);
        if (policies.ByFact.IsEmpty)
        {
            return first;
        }

        for (var kind = PolicyFactKind.Principal; kind <= PolicyFactKind.DestinationPort; kind++)
        {
            if (PolicyFact.Of(kind, in input) is { } fact && policies.ByFact.TryGetValue(fact, out var candidates))
            {
                first = FirstMatch(candidates, in input, first?.Key) ?? first;
            }
        }

        return first;
    }

    /// <summary>With a policy that is not in it.</summary>
    public PolicyIndex Add(Authorization policy) => policy.DryRun
        ? new(_denies, _allows, DryRun.Add(policy.Key, policy))
        : ChangeEnforced(policy, static (set, facts, policy) => set.Add(facts, policy));

    /// <summary>Without a policy that is in it.</summary>
    public PolicyIndex Remove(Authorization policy) => policy.DryRun
        ? new(_denies, _allows, DryRun.Remove(policy.Key))
        : ChangeEnforced(policy, static (set, facts, policy) => set.Remove(facts, policy));

    private static KeyValuePair<string, Authorization>? FirstMatch(ByKey policies, in PolicyInput input, string? before)
    {
        foreach (var entry in policies)
        {
            if (before is not null && string.CompareOrdinal(entry.Key, before) >= 0)
            {
                return null;
            }

            if (entry.Value.Matches(in input))
            {
                return entry;
            }
        }

        return null;
    }

    private PolicyIndex ChangeEnforced(
        Authorization policy, Func<Enforced, IReadOnlyCollection<PolicyFact>?, Authorization, Enforced> change)
    {
        var facts = PolicyFact.NeededBy(policy);
        return policy.Action == PolicyAction.Deny
            ? new(change(_denies, facts, policy), _allows, DryRun)
            : new(_denies, change(_allows, facts, policy), DryRun);
    }

    /// <param name="Count">All of them, also those that never match.</param>
    /// <param name="Others">Those that no fact is needed for.</param>
    /// <param name="ByFact">The others, below each of their facts.</param>
    private sealed record Enforced(int Count, ByKey Others, HashMap<PolicyFact, ByKey> ByFact)
    {
        public static Enforced None { get; } = new(0, NoPolicies, HashMap<PolicyFact, ByKey>.Empty);

        public Enforced Add(IReadOnlyCollection<PolicyFact>? facts, Authorization policy)
        {
            var key = policy.Key;
            if (facts is null)
            {
                return this with { Count = Count + 1, Others = Others.Add(key, policy) };
            }

            var byFact = ByFact.ToBuilder();
            foreach (var fact in facts)
            {
                byFact[fact] = (byFact.GetValueOrDefault(fact) ?? NoPolicies).Add(key, policy);
            }

            return this with { Count = Count + 1, ByFact = byFact.ToMap() };
        }

        public Enforced Remove(IReadOnlyCollection<PolicyFact>? facts, Authorization policy)
        {
            var key = policy.Key;
            if (facts is null)
            {
                return this with { Count = Count - 1, Others = Others.Remove(key) };
            }

            var byFact = ByFact.ToBuilder();
            foreach (var fact in facts)
            {
                var left = byFact[fact].Remove(key);
                if (left.IsEmpty)
                {
                    byFact.Remove(fact);
                }
                else
                {
                    byFact[fact] = left;
                }
            }

            return this with { Count = Count - 1, ByFact = byFact.ToMap() };
        }
    }
}
