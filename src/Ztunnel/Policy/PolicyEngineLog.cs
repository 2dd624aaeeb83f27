#pragma warning disable SYSLIB1015 // the key is a field of the line, beside its fixed message
using Microsoft.Extensions.Logging;

namespace Ztunnel.Policy;

/// <summary>Log events of policy decisions, ids 4100-4199. Field <c>policy</c> is a key <c>namespace/name</c>.</summary>
internal static partial class PolicyEngineLog
{
    [LoggerMessage(EventId = 4101, Message = "deny policy match")]
    public static partial void DenyPolicyMatch(this ILogger logger, LogLevel level, string policy);

    [LoggerMessage(EventId = 4102, Message = "allow policy match")]
    public static partial void AllowPolicyMatch(this ILogger logger, LogLevel level, string policy);

    [LoggerMessage(EventId = 4103, Message = "no allow policies, allow")]
    public static partial void NoAllowPolicies(this ILogger logger, LogLevel level);

    [LoggerMessage(EventId = 4104, Message = "no allow policies matched")]
    public static partial void NoAllowPoliciesMatched(this ILogger logger, LogLevel level);

    [LoggerMessage(EventId = 4105, Message = "dry-run: deny policy match")]
    public static partial void DryRunDenyPolicyMatch(this ILogger logger, LogLevel level, string policy);

    [LoggerMessage(EventId = 4106, Message = "dry-run: allow policy match")]
    public static partial void DryRunAllowPolicyMatch(this ILogger logger, LogLevel level, string policy);

    [LoggerMessage(EventId = 4107, Message = "dry-run: no allow policies match")]
    public static partial void DryRunNoAllowPoliciesMatch(this ILogger logger, LogLevel level);

    /// <summary>For whoever collects a workload's policies: a referenced key has no policy yet.</summary>
    [LoggerMessage(4108, LogLevel.Warning, "skipping unknown policy {Policy}")]
    public static partial void SkippingUnknownPolicy(this ILogger logger, string policy);

    /// <summary>The same with <c>UNKNOWN_POLICY=deny</c>.</summary>
    [LoggerMessage(4109, LogLevel.Warning, "refusing connections to {Workload} because of unknown policy {Policy}")]
    public static partial void RefusingForUnknownPolicy(this ILogger logger, string workload, string policy);
}
