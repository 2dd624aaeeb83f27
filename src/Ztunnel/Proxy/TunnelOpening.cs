using System.Net.Sockets;
using Hbone.Http2.Hpack;
using Hbone.Pool;
using Hbone.Proxying;
using Redirection;
using Ztunnel.Identity;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>A tunnel for an application's connection, or why there is none.</summary>
/// <param name="Tunnel">Open; null when there is an error.</param>
/// <param name="Error">In the access log's words.</param>
internal readonly record struct TunnelOpening(HboneTunnel? Tunnel, ProxyException? Error)
{
    /// <summary>Opens a tunnel, as long as the application's connection exists and draining is not forced.</summary>
    /// <param name="application">Its connection.</param>
    /// <param name="pool">Of the tunnel's connection.</param>
    /// <param name="key">Which connections will do.</param>
    /// <param name="request">The CONNECT.</param>
    /// <param name="time">Clock.</param>
    /// <param name="forced">Ends the wait.</param>
    /// <param name="patience">How long to wait for a connection; null for the pool's limits.</param>
    public static async Task<TunnelOpening> ForAsync(
        Socket application,
        HbonePool pool,
        HbonePoolKey key,
        HeaderField[] request,
        TimeProvider time,
        CancellationToken forced,
        TimeSpan? patience = null)
    {
        await using var client = new ClientWatch(application, time, forced);
        try
        {
            return new(await pool.OpenAsync(key, request, client.Gone, patience), null);
        }
        catch (Exception e) when (e is HboneException or IdentityException or IOException)
        {
            return new(null, OutboundErrors.From(e));
        }
        catch (OperationCanceledException) when (forced.IsCancellationRequested)
        {
            return new(null, Accepted.Drained());
        }
        catch (OperationCanceledException) when (client.Gone.IsCancellationRequested)
        {
            return new(null, new ProxyException(
                ConnectionFailure.Connect, $"send: io error: {OsError.Describe(ClientWatch.Reset)}"));
        }
    }
}
