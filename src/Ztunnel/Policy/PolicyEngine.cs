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
    /// <summary>Evaluates every policy that applies to the destination workload.</summary>
    /// <param name="applicable">
    /// Policies of the workload's namespace, global ones and those it references, in any order: of several that match,
    /// the first by key is named.
    /// </param>
    /// <param name="input">The connection.</param>
    /// <param name="logger">Gets each match with its policy; null for none.</param>
    /// <param name="level">Debug, or information with <c>AUTHZ_POLICY_INFO_LOGGING=true</c>.</param>
    public static PolicyVerdict Evaluate(
        ImmutableArray<Authorization> applicable,
        in PolicyInput input,
        ILogger? logger = null,
        LogLevel level = LogLevel.Debug)
    {
        logger ??= NullLogger.Instance;
        // A dry run shows in the log alone, so it costs nothing when nobody reads it.
        var observesDryRun = logger.IsEnabled(level);

        if (observesDryRun)
        {
            LogDryRunDenies(applicable, in input, logger, level);
        }

        if (FirstMatch(applicable, PolicyAction.Deny, in input) is { } deny)
        {
            logger.DenyPolicyMatch(level, deny.Key);
            return PolicyVerdict.DeniedBy(deny.Key);
        }

        var allowsExist = HasEnforcedAllow(applicable);
        if (observesDryRun)
        {
            LogDryRunAllows(applicable, in input, allowsExist, logger, level);
        }

        if (!allowsExist)
        {
            logger.NoAllowPolicies(level);
            return PolicyVerdict.AllowedByDefault;
        }

        if (FirstMatch(applicable, PolicyAction.Allow, in input) is { } allow)
        {
            logger.AllowPolicyMatch(level, allow.Key);
            return PolicyVerdict.AllowedBy(allow.Key);
        }

        logger.NoAllowPoliciesMatched(level);
        return PolicyVerdict.NoneAllowed;
    }

    private static Authorization? FirstMatch(
        ImmutableArray<Authorization> policies, PolicyAction action, in PolicyInput input)
    {
        Authorization? first = null;
        foreach (var policy in policies)
        {
            if (policy.Action == action
                && !policy.DryRun
                && (first is null || string.CompareOrdinal(policy.Key, first.Key) < 0)
                && policy.Matches(in input))
            {
                first = policy;
            }
        }

        return first;
    }

    private static bool HasEnforcedAllow(ImmutableArray<Authorization> policies)
    {
        foreach (var policy in policies)
        {
            if (policy is { Action: PolicyAction.Allow, DryRun: false })
            {
                return true;
            }
        }

        return false;
    }

    private static void LogDryRunDenies(
        ImmutableArray<Authorization> policies, in PolicyInput input, ILogger logger, LogLevel level)
    {
        foreach (var policy in policies)
        {
            if (policy is { Action: PolicyAction.Deny, DryRun: true } && policy.Matches(in input))
            {
                logger.DryRunDenyPolicyMatch(level, policy.Key);
            }
        }
    }

    private static void LogDryRunAllows(
        ImmutableArray<Authorization> policies, in PolicyInput input, bool allowsExist, ILogger logger, LogLevel level)
    {
        var (exists, matched) = (false, false);
        foreach (var policy in policies)
        {
            if (policy is not { Action: PolicyAction.Allow, DryRun: true })
            {
                continue;
            }

            exists = true;
            if (policy.Matches(in input))
            {
                matched = true;
                logger.DryRunAllowPolicyMatch(level, policy.Key);
            }
        }

        // With enforced ALLOW policies the dry run would not be what refuses the rest.
        if (exists && !matched && !allowsExist)
        {
            logger.DryRunNoAllowPoliciesMatch(level);
        }
    }
}
