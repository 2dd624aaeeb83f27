using System.Collections.Immutable;

namespace Ztunnel.Policy;

/// <summary>The policies that apply to one workload, in three parts that may overlap.</summary>
/// <param name="Global">Those of the whole mesh.</param>
/// <param name="OfNamespace">Those of the workload's namespace.</param>
/// <param name="Named">Those that the workload names, few.</param>
internal readonly record struct PolicySet(
    PolicyIndex Global, PolicyIndex OfNamespace, ImmutableArray<Authorization> Named)
{
    /// <summary>Those that are only logged, in the order of the parts.</summary>
    public IEnumerable<Authorization> DryRun =>
        Global.DryRun.Values.Concat(OfNamespace.DryRun.Values).Concat(Named.Where(policy => policy.DryRun));

    public bool HasDryRun
    {
        get
        {
            if (Global.DryRun.Count + OfNamespace.DryRun.Count > 0)
            {
                return true;
            }

            foreach (var policy in Named)
            {
                if (policy.DryRun)
                {
                    return true;
                }
            }

            return false;
        }
    }

    public bool HasEnforcedAllow
    {
        get
        {
            if (Global.HasAllows || OfNamespace.HasAllows)
            {
                return true;
            }

            foreach (var policy in Named)
            {
                if (policy is { Action: PolicyAction.Allow, DryRun: false })
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Key of the enforced policy with that action that matches, the first by key; null for none.</summary>
    public string? FirstMatch(PolicyAction action, in PolicyInput input)
    {
        var first = Earlier(
            Global.FirstMatch(action, in input)?.Key, OfNamespace.FirstMatch(action, in input)?.Key);
        foreach (var policy in Named)
        {
            if (policy.Action == action && !policy.DryRun && policy.Matches(in input))
            {
                first = Earlier(first, policy.Key);
            }
        }

        return first;
    }

    private static string? Earlier(string? x, string? y) =>
        x is null || (y is not null && string.CompareOrdinal(y, x) < 0) ? y : x;
}
