using Microsoft.Extensions.Logging;
using Ztunnel.Mesh;
using Ztunnel.Policy;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>Asks the policies of a destination workload.</summary>
internal sealed class InboundAuthorization(ProxyServices services)
{
    private readonly ILogger<InboundAuthorization> _logger = services.Loggers.CreateLogger<InboundAuthorization>();

    private readonly LogLevel _level =
        services.Options.AuthzPolicyInfoLogging ? LogLevel.Information : LogLevel.Debug;

    /// <summary>Null when the connection is allowed.</summary>
    public ProxyException? Refusal(MeshSnapshot snapshot, Workload destination, in PolicyInput input)
    {
        foreach (var unknown in snapshot.UnknownPoliciesOf(destination))
        {
            _logger.SkippingUnknownPolicy(unknown);
        }

        var verdict = PolicyEngine.Evaluate(snapshot.PoliciesFor(destination), in input, _logger, _level);
        return verdict.Allowed
            ? null
            : new ProxyException(
                ConnectionFailure.Deny, $"connection closed due to policy rejection: {verdict.Reason}");
    }
}
