using System.Collections.Immutable;
using Ztunnel.Mesh.Maps;
using Ztunnel.Policy;

namespace Ztunnel.Mesh;

/// <summary>The authorization policies of a snapshot with what they bind to. Immutable.</summary>
internal sealed class PolicyTable
{
    private readonly HashMap<string, Authorization> _byKey;
    private readonly ImmutableSortedDictionary<string, Authorization> _global;
    private readonly ImmutableDictionary<string, ImmutableSortedDictionary<string, Authorization>> _byNamespace;

    private PolicyTable(
        HashMap<string, Authorization> byKey,
        ImmutableSortedDictionary<string, Authorization> global,
        ImmutableDictionary<string, ImmutableSortedDictionary<string, Authorization>> byNamespace)
    {
        _byKey = byKey;
        _global = global;
        _byNamespace = byNamespace;
    }

    public static PolicyTable Empty => new(HashMap<string, Authorization>.Empty, NoPolicies, []);

    public IEnumerable<Authorization> All => _byKey.Values;

    private static ImmutableSortedDictionary<string, Authorization> NoPolicies { get; } =
        ImmutableSortedDictionary.Create<string, Authorization>(StringComparer.Ordinal);

    /// <summary>Whether nothing was set or removed between the two, one of which descends from the other.</summary>
    public bool IsSameAs(PolicyTable other) => ReferenceEquals(_byKey, other._byKey);

    public Authorization? Find(string key) => _byKey.GetValueOrDefault(key);

    /// <summary>
    /// Each policy that applies, once: mesh-wide ones, those of the namespace, those the workload names.
    /// </summary>
    public ImmutableArray<Authorization> For(Workload workload)
    {
        var ofNamespace = _byNamespace.GetValueOrDefault(workload.Namespace) ?? NoPolicies;
        var policies = ImmutableArray.CreateBuilder<Authorization>(
            _global.Count + ofNamespace.Count + workload.AuthorizationPolicies.Length);
        policies.AddRange(_global.Values);
        policies.AddRange(ofNamespace.Values);
        foreach (var key in workload.AuthorizationPolicies.Distinct(StringComparer.Ordinal))
        {
            if (_byKey.TryGetValue(key, out var policy) && !IsBoundByScope(policy, workload))
            {
                policies.Add(policy);
            }
        }

        return policies.DrainToImmutable();
    }

    /// <summary>The keys that a workload names and nobody has announced.</summary>
    public ImmutableArray<string> UnknownOf(Workload workload) =>
        [.. workload.AuthorizationPolicies.Where(key => !_byKey.ContainsKey(key))];

    public Builder ToBuilder() => new(this);

    private static bool IsBoundByScope(Authorization policy, Workload workload) => policy.Scope switch
    {
        PolicyScope.Global => true,
        PolicyScope.Namespace => policy.Namespace == workload.Namespace,
        _ => false,
    };

    public sealed class Builder(PolicyTable origin)
    {
        private readonly HashMap<string, Authorization>.Builder _byKey = origin._byKey.ToBuilder();
        private readonly ImmutableSortedDictionary<string, Authorization>.Builder _global = origin._global.ToBuilder();

        private readonly ImmutableDictionary<string, ImmutableSortedDictionary<string, Authorization>>.Builder
            _byNamespace = origin._byNamespace.ToBuilder();

        /// <summary>Inserts or replaces by key; a changed scope moves what the policy binds to.</summary>
        public void Set(Authorization policy)
        {
            Remove(policy.Key);
            _byKey[policy.Key] = policy;
            switch (policy.Scope)
            {
                case PolicyScope.Global:
                    _global[policy.Key] = policy;
                    break;
                case PolicyScope.Namespace:
                    var ofNamespace = _byNamespace.GetValueOrDefault(policy.Namespace) ?? NoPolicies;
                    _byNamespace[policy.Namespace] = ofNamespace.SetItem(policy.Key, policy);
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

            _global.Remove(key);
            if (_byNamespace.TryGetValue(policy.Namespace, out var ofNamespace))
            {
                ofNamespace = ofNamespace.Remove(key);
                if (ofNamespace.IsEmpty)
                {
                    _byNamespace.Remove(policy.Namespace);
                }
                else
                {
                    _byNamespace[policy.Namespace] = ofNamespace;
                }
            }
        }

        public PolicyTable ToTable() => new(_byKey.ToMap(), _global.ToImmutable(), _byNamespace.ToImmutable());
    }
}
