using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Policy;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>Asks the policies of a destination workload.</summary>
internal sealed class InboundAuthorization(MeshState mesh, ProxyOptions options, ILogger<InboundAuthorization> logger)
{
    private readonly LogLevel _level = options.AuthzPolicyInfoLogging ? LogLevel.Information : LogLevel.Debug;

    /// <summary>
    /// Judges a connection for the first time, by what the mesh is now: a change since it was registered counts.
    /// </summary>
    /// <returns>Null when the connection is allowed.</returns>
    public ProxyException? Refusal(LiveConnection connection)
    {
        var snapshot = mesh.Current;
        var destination = snapshot.FindLocalWorkload(connection.Pod) ?? connection.Destination;
        foreach (var unknown in snapshot.UnknownPoliciesOf(destination))
        {
            logger.SkippingUnknownPolicy(unknown);
        }

        var verdict = Evaluate(snapshot, destination, connection);
        return verdict.Allowed
            ? null
            : new ProxyException(
                ConnectionFailure.Deny, $"connection closed due to policy rejection: {verdict.Reason}");
    }

    /// <summary>Judges a connection again. A policy that is not there yet is judged when it comes.</summary>
    public bool StillAllows(MeshSnapshot snapshot, LiveConnection connection) =>
        Evaluate(snapshot, connection.Destination, connection).Allowed;

    private PolicyVerdict Evaluate(MeshSnapshot snapshot, Workload destination, LiveConnection connection)
    {
        var input = connection.Input;
        return PolicyEngine.Evaluate(snapshot.PoliciesFor(destination), in input, logger, _level);
    }
}
