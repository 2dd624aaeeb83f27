using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ztunnel.Policy;

/// <summary>
/// Decides whether a connection may reach a workload, and says which policy decided. Order: an enforced DENY that
/// matches refuses; without enforced ALLOW policies the connection is allowed; else one of them has to match.
/// </summary>
internal static class PolicyEngine
{
    /// <summary>Evaluates policies that are given one by one.</summary>
    /// <param name="applicable">All that apply, in any order.</param>
    /// <param name="input">The connection.</param>
    /// <param name="logger">Gets each match with its policy; null for none.</param>
    /// <param name="level">Debug, or information with <c>AUTHZ_POLICY_INFO_LOGGING=true</c>.</param>
    public static PolicyVerdict Evaluate(
        ImmutableArray<Authorization> applicable,
        in PolicyInput input,
        ILogger? logger = null,
        LogLevel level = LogLevel.Debug) =>
        Evaluate(new PolicySet(PolicyIndex.Empty, PolicyIndex.Empty, applicable), in input, logger, level);

    /// <summary>
    /// Evaluates the policies that apply to the destination workload. Of several that match, the first by key is named.
    /// </summary>
    /// <param name="applicable">Policies of the workload's namespace, global ones and those it references.</param>
    /// <param name="input">The connection.</param>
    /// <param name="logger">Gets each match with its policy; null for none.</param>
    /// <param name="level">Debug, or information with <c>AUTHZ_POLICY_INFO_LOGGING=true</c>.</param>
    /// <param name="decisions">Counts the verdict and what dry runs say; null for nowhere.</param>
    public static PolicyVerdict Evaluate(
        in PolicySet applicable,
        in PolicyInput input,
        ILogger? logger = null,
        LogLevel level = LogLevel.Debug,
        PolicyDecisions? decisions = null)
    {
        var verdict = Judge(in applicable, in input, logger ?? NullLogger.Instance, level, decisions);
        decisions?.Enforced(in verdict);
        return verdict;
    }

    private static PolicyVerdict Judge(
        in PolicySet applicable, in PolicyInput input, ILogger logger, LogLevel level, PolicyDecisions? decisions)
    {
        // A dry run changes nothing, so it costs nothing when nobody wants to know.
        var observesDryRun = (decisions is not null || logger.IsEnabled(level)) && applicable.HasDryRun;

        if (observesDryRun)
        {
            ObserveDryRunDenies(applicable.DryRun, in input, logger, level, decisions);
        }

        if (applicable.FirstMatch(PolicyAction.Deny, in input) is { } deny)
        {
            logger.DenyPolicyMatch(level, deny);
            return PolicyVerdict.DeniedBy(deny);
        }

        var allowsExist = applicable.HasEnforcedAllow;
        if (observesDryRun)
        {
            ObserveDryRunAllows(applicable.DryRun, in input, allowsExist, logger, level, decisions);
        }

        if (!allowsExist)
        {
            logger.NoAllowPolicies(level);
            return PolicyVerdict.AllowedByDefault;
        }

        if (applicable.FirstMatch(PolicyAction.Allow, in input) is { } allow)
        {
            logger.AllowPolicyMatch(level, allow);
            return PolicyVerdict.AllowedBy(allow);
        }

        logger.NoAllowPoliciesMatched(level);
        return PolicyVerdict.NoneAllowed;
    }

    private static void ObserveDryRunDenies(
        IEnumerable<Authorization> policies,
        in PolicyInput input,
        ILogger logger,
        LogLevel level,
        PolicyDecisions? decisions)
    {
        foreach (var policy in policies)
        {
            if (policy.Action == PolicyAction.Deny && policy.Matches(in input))
            {
                logger.DryRunDenyPolicyMatch(level, policy.Key);
                decisions?.WouldHave(policy.Key, allowed: false);
            }
        }
    }

    private static void ObserveDryRunAllows(
        IEnumerable<Authorization> policies,
        in PolicyInput input,
        bool allowsExist,
        ILogger logger,
        LogLevel level,
        PolicyDecisions? decisions)
    {
        var (exists, matched) = (false, false);
        foreach (var policy in policies)
        {
            if (policy.Action != PolicyAction.Allow)
            {
                continue;
            }

            exists = true;
            if (policy.Matches(in input))
            {
                matched = true;
                logger.DryRunAllowPolicyMatch(level, policy.Key);
                decisions?.WouldHave(policy.Key, allowed: true);
            }
        }

        // With enforced ALLOW policies the dry run would not be what refuses the rest.
        if (exists && !matched && !allowsExist)
        {
            logger.DryRunNoAllowPoliciesMatch(level);
            decisions?.WouldHave(policy: null, allowed: false);
        }
    }
}
