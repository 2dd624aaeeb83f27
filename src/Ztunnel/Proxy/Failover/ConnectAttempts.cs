using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Mesh.Routing;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy.Failover;

/// <summary>
/// The attempts of one connection to be made, one after the other, each at another endpoint. Used by its connection only.
/// </summary>
/// <remarks>
/// An attempt that could be followed by another gets a third of the time that a connect may take, and none begins when all
/// of that has passed: an endpoint of which nothing comes back must not use up the time of those that would answer.
/// </remarks>
/// <param name="options">Whether there are further attempts, and limits of each.</param>
/// <param name="failures">Told of endpoints that were chosen; null when nobody wants to know.</param>
/// <param name="metrics">Counts further attempts.</param>
/// <param name="time">Clock.</param>
/// <param name="first">Where the first goes.</param>
internal sealed class ConnectAttempts(
    ProxyOptions options, EndpointFailures? failures, FailoverMetrics metrics, TimeProvider time, OutboundRoute first)
{
    /// <summary>Attempts after the first.</summary>
    public const int MaxRetries = 2;

    private readonly long _began = time.GetTimestamp();
    private long _attemptBegan = time.GetTimestamp();
    private ImmutableArray<EndpointKey> _tried = [];

    /// <summary>When the first began.</summary>
    public long StartedAt => _began;

    /// <summary>Where the attempt under way goes.</summary>
    public OutboundRoute Route { get; private set; } = first;

    /// <summary>Whether another may follow.</summary>
    public bool HasAlternative =>
        options.Failover.Retry
        && _tried.Length < MaxRetries
        && Route.Chosen is { } chosen
        && chosen.Candidates > _tried.Length + 1
        && Left > TimeSpan.Zero;

    /// <summary>How long to wait for a TCP connection; null for the limit that there is anyway.</summary>
    public TimeSpan? ConnectPatience => Patience(TimeSpan.Zero);

    /// <summary>The same for a connection that is secured too.</summary>
    public TimeSpan? TunnelPatience => Patience(options.Pool.TlsHandshakeTimeout);

    private TimeSpan Left => options.Pool.ConnectTimeout - time.GetElapsedTime(_began);

    /// <summary>The attempt under way has succeeded, and with it the connection.</summary>
    public void Succeeded()
    {
        CountRetry(connected: true);
        if (Route.Chosen is { } chosen)
        {
            failures?.Succeeded(chosen.Key);
        }
    }

    /// <summary>The attempt under way has failed.</summary>
    /// <param name="cause">The exception; null when it was ended by ourselves or the client.</param>
    /// <param name="error">The same in the access log's words.</param>
    /// <param name="router">Decides where else to go.</param>
    /// <param name="client">Who connects, for the log as well.</param>
    /// <param name="logger">Told of a further attempt.</param>
    /// <returns>Whether there is a further attempt: it is under way from now on.</returns>
    public bool TryAnother(
        Exception? cause, ProxyException error, OutboundRouter router, OutboundClient client, ILogger logger)
    {
        CountRetry(connected: false);
        var fault = ConnectFault.Of(cause, Route);
        if (Route.Chosen is not { } chosen)
        {
            return false;
        }

        if (fault.Counts)
        {
            failures?.Failed(chosen.Key, _attemptBegan, error.Message);
        }

        if (!fault.MayRetry || !HasAlternative || client.IsGone)
        {
            return false;
        }

        _tried = _tried.Add(chosen.Key);
        if (Another(router, client) is not { DestinationWorkload: not null, Named: null } another)
        {
            return false;
        }

        logger.TryingAnother(Route.Dial, another.Dial, error.Message, client.Source);
        Route = another;
        _attemptBegan = time.GetTimestamp();
        return true;
    }

    private TimeSpan? Patience(TimeSpan further) =>
        HasAlternative ? options.Pool.ConnectTimeout / (MaxRetries + 1)
        : _tried.IsEmpty ? null
        : Max(Left + further, TimeSpan.FromMilliseconds(1));

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    // Nobody is left who could be tried: the failure that was is the answer.
    private OutboundRoute? Another(OutboundRouter router, OutboundClient client)
    {
        try
        {
            return client.RouteBy(router, new PassedOver(failures?.Ejected) { Tried = _tried });
        }
        catch (ProxyException)
        {
            return null;
        }
    }

    private void CountRetry(bool connected)
    {
        if (!_tried.IsEmpty)
        {
            metrics.Retried(connected);
        }
    }
}
