using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Policy;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>Asks the policies of a destination workload.</summary>
internal sealed class InboundAuthorization(
    MeshState mesh, MissingPolicies missing, ProxyOptions options, ILogger<InboundAuthorization> logger)
{
    private readonly LogLevel _level = options.AuthzPolicyInfoLogging ? LogLevel.Information : LogLevel.Debug;

    /// <summary>Counts what is decided on new connections; null for nowhere.</summary>
    public PolicyDecisions? Decisions { get; init; }

    /// <summary>
    /// Judges a connection for the first time, by what the mesh is then: a change since it was registered counts. While a
    /// policy may still be on its way, that is waited for.
    /// </summary>
    /// <returns>Null when the connection is allowed.</returns>
    public async ValueTask<ProxyException?> RefusalAsync(LiveConnection connection)
    {
        var snapshot = mesh.Current;
        if (UnknownPolicies(snapshot, connection).IsEmpty)
        {
            return Refusal(snapshot, connection);
        }

        try
        {
            await missing.WaitAsync(connection.Pod, connection.Ended);
        }
        catch (OperationCanceledException) when (connection.Ended.IsCancellationRequested)
        {
            // It ends, whatever the verdict is.
        }

        snapshot = mesh.Current;
        return Unknown(UnknownPolicies(snapshot, connection), connection) ?? Refusal(snapshot, connection);
    }

    /// <summary>Judges a connection again. A policy that is not there yet is judged when it comes.</summary>
    public bool StillAllows(MeshSnapshot snapshot, LiveConnection connection) =>
        Evaluate(snapshot, connection.Destination, connection, decisions: null).Allowed;

    private static Workload DestinationOf(LiveConnection connection, MeshSnapshot snapshot) =>
        snapshot.FindLocalWorkload(connection.Pod) ?? connection.Destination;

    private static ImmutableArray<string> UnknownPolicies(MeshSnapshot snapshot, LiveConnection connection) =>
        snapshot.UnknownPoliciesOf(DestinationOf(connection, snapshot));

    private static ProxyException Rejection(string reason) =>
        new(ConnectionFailure.Deny, $"connection closed due to policy rejection: {reason}");

    private ProxyException? Unknown(ImmutableArray<string> policies, LiveConnection connection)
    {
        var denies = options.UnknownPolicy == UnknownPolicyAction.Deny;
        foreach (var policy in policies)
        {
            if (!missing.TryReport(connection.Pod, policy))
            {
                continue;
            }

            if (denies)
            {
                logger.RefusingForUnknownPolicy(connection.Destination.Uid, policy);
            }
            else
            {
                logger.SkippingUnknownPolicy(policy);
            }
        }

        return denies && policies is [var first, ..] ? Rejection($"unknown policy: {first}") : null;
    }

    private ProxyException? Refusal(MeshSnapshot snapshot, LiveConnection connection)
    {
        var verdict = Evaluate(snapshot, DestinationOf(connection, snapshot), connection, Decisions);
        return verdict.Allowed ? null : Rejection(verdict.Reason);
    }

    private PolicyVerdict Evaluate(
        MeshSnapshot snapshot, Workload destination, LiveConnection connection, PolicyDecisions? decisions)
    {
        var input = connection.Input;
        return PolicyEngine.Evaluate(snapshot.PolicySetFor(destination), in input, logger, _level, decisions);
    }
}
