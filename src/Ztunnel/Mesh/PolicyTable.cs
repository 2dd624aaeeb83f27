using System.Collections.Immutable;
using Ztunnel.Mesh.Maps;
using Ztunnel.Policy;

namespace Ztunnel.Mesh;

/// <summary>The authorization policies of a snapshot with what they bind to. Immutable.</summary>
internal sealed class PolicyTable
{
    private readonly HashMap<string, Authorization> _byKey;
    private readonly Scope _global;
    private readonly HashMap<string, Scope> _byNamespace;

    private PolicyTable(
        HashMap<string, Authorization> byKey,
        Scope global,
        HashMap<string, Scope> byNamespace)
    {
        _byKey = byKey;
        _global = global;
        _byNamespace = byNamespace;
    }

    public static PolicyTable Empty => new(
        HashMap<string, Authorization>.Empty, Scope.Empty, HashMap<string, Scope>.Empty);

    public IEnumerable<Authorization> All => _byKey.Values;

    /// <summary>Whether nothing was set or removed between the two, one of which descends from the other.</summary>
    public bool IsSameAs(PolicyTable other) => ReferenceEquals(_byKey, other._byKey);

    public Authorization? Find(string key) => _byKey.GetValueOrDefault(key);

    /// <summary>
    /// Each policy that applies, once: mesh-wide ones, those of the namespace, those the workload names.
    /// </summary>
    public ImmutableArray<Authorization> For(Workload workload)
    {
        var ofNamespace = _byNamespace.GetValueOrDefault(workload.Namespace) ?? Scope.Empty;
        return [.. _global.All.Values, .. ofNamespace.All.Values, .. NamedOnlyBy(workload)];
    }

    /// <summary>The same as a set in which few of many are looked at.</summary>
    public PolicySet SetFor(Workload workload) => new(
        _global.Index,
        (_byNamespace.GetValueOrDefault(workload.Namespace) ?? Scope.Empty).Index,
        NamedOnlyBy(workload));

    /// <summary>The keys that a workload names and nobody has announced.</summary>
    public ImmutableArray<string> UnknownOf(Workload workload) =>
        [.. workload.AuthorizationPolicies.Where(key => !_byKey.ContainsKey(key))];

    public Builder ToBuilder() => new(this);

    private ImmutableArray<Authorization> NamedOnlyBy(Workload workload)
    {
        if (workload.AuthorizationPolicies.IsEmpty)
        {
            return [];
        }

        var policies = ImmutableArray.CreateBuilder<Authorization>(workload.AuthorizationPolicies.Length);
        foreach (var key in workload.AuthorizationPolicies.Distinct(StringComparer.Ordinal))
        {
            if (_byKey.TryGetValue(key, out var policy) && !IsBoundByScope(policy, workload))
            {
                policies.Add(policy);
            }
        }

        return policies.DrainToImmutable();
    }

    private static bool IsBoundByScope(Authorization policy, Workload workload) => policy.Scope switch
    {
        PolicyScope.Global => true,
        PolicyScope.Namespace => policy.Namespace == workload.Namespace,
        _ => false,
    };

    public sealed class Builder(PolicyTable origin)
    {
        private readonly HashMap<string, Authorization>.Builder _byKey = origin._byKey.ToBuilder();
        private readonly HashMap<string, Scope>.Builder _byNamespace = origin._byNamespace.ToBuilder();
        private Scope _global = origin._global;

        /// <summary>Inserts or replaces by key; a changed scope moves what the policy binds to.</summary>
        public void Set(Authorization policy)
        {
            Remove(policy.Key);
            _byKey[policy.Key] = policy;
            switch (policy.Scope)
            {
                case PolicyScope.Global:
                    _global = _global.Add(policy);
                    break;
                case PolicyScope.Namespace:
                    var ofNamespace = _byNamespace.GetValueOrDefault(policy.Namespace) ?? Scope.Empty;
                    _byNamespace[policy.Namespace] = ofNamespace.Add(policy);
                    break;
                default:
                    break; // bound by the workloads that name it
            }
        }

        public void Remove(string key)
        {
            if (!_byKey.Remove(key, out var policy))
            {
                return;
            }

            if (policy.Scope == PolicyScope.Global)
            {
                _global = _global.Remove(policy);
            }
            else if (policy.Scope == PolicyScope.Namespace)
            {
                var left = _byNamespace[policy.Namespace].Remove(policy);
                if (left.All.IsEmpty)
                {
                    _byNamespace.Remove(policy.Namespace);
                }
                else
                {
                    _byNamespace[policy.Namespace] = left;
                }
            }
        }

        public PolicyTable ToTable() => new(_byKey.ToMap(), _global, _byNamespace.ToMap());
    }

    /// <summary>The policies that bind to the same workloads by their scope.</summary>
    private sealed record Scope(ImmutableSortedDictionary<string, Authorization> All, PolicyIndex Index)
    {
        public static Scope Empty { get; } = new(
            ImmutableSortedDictionary.Create<string, Authorization>(StringComparer.Ordinal), PolicyIndex.Empty);

        public Scope Add(Authorization policy) => new(All.Add(policy.Key, policy), Index.Add(policy));

        public Scope Remove(Authorization policy) => new(All.Remove(policy.Key), Index.Remove(policy));
    }
}
