using System.Net;
using System.Net.Sockets;
using Hbone;
using Hbone.Http2;
using Hbone.Tls;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Identity;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>Port 15008: HBONE connections of peers. Each carries any number of requests, served by itself.</summary>
internal sealed class InboundProxy(
    ProxyServices services, LocalPod pod, Drain drain, ActiveConnections active, bool preserveSource)
{
    private readonly ILogger<InboundProxy> _logger = services.Loggers.CreateLogger<InboundProxy>();
    private readonly InboundRequestHandler _requests = new(services, pod, drain, preserveSource);
    private readonly HboneEndpointOptions _endpoint = UpstreamSockets.EndpointFor(services.Options);

    /// <summary>Takes one peer's connection to its end. Owns the socket.</summary>
    public async Task ServeAsync(Socket socket)
    {
        services.Telemetry.Metrics.SocketOpened(Reporter.Destination);
        try
        {
            if (Accepted.Prepare(socket, services.Options) is { } source)
            {
                var local = ((IPEndPoint)socket.LocalEndPoint!).Unmapped();
                await ServeAsync(socket, source, local);
            }
        }
        finally
        {
            socket.Dispose();
            services.Telemetry.Metrics.SocketClosed(Reporter.Destination);
        }
    }

    private async Task ServeAsync(Socket socket, IPEndPoint source, IPEndPoint local)
    {
        await using var connection = await SecureAsync(socket, source, local);
        if (connection is null)
        {
            return;
        }

        await using var started = drain.Started.UnsafeRegister(
            static c => ((Http2Connection)c!).Drain(), connection);
        await connection.Completion.WaitAsync(drain.Forced).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<Http2Connection?> SecureAsync(Socket socket, IPEndPoint source, IPEndPoint local)
    {
        try
        {
            var certificate = await CertificateAsync();
            return await HboneEndpoint.AcceptAsync(
                socket,
                certificate,
                _endpoint,
                request => active.Run(() => _requests.ServeAsync(request, source, local)),
                services.Time,
                drain.Forced);
        }
        catch (ProxyException e)
        {
            services.Telemetry.Refuse(Reporter.Destination, source, local, e);
        }
        catch (Exception e) when (e is TlsException or SocketException)
        {
            services.Telemetry.Refuse(
                Reporter.Destination,
                source,
                local,
                new ProxyException(ConnectionFailure.TlsFailure, $"tls handshake error: {OutboundErrors.Io(e)}", e));
        }
        catch (OperationCanceledException) when (drain.Forced.IsCancellationRequested)
        {
            _logger.TunnelEnded(source, "drained in the handshake");
        }

        return null;
    }

    private async ValueTask<WorkloadCertificate> CertificateAsync()
    {
        try
        {
            var workload = await pod.WorkloadAsync(drain.Forced);
            return await services.Certificates.FetchAsync(workload.Identity, drain.Forced);
        }
        catch (ProxyException e)
        {
            throw new ProxyException(
                ConnectionFailure.IdentityError, $"signing error: workload is unknown: {pod.Info}", e);
        }
        catch (IdentityException e)
        {
            throw new ProxyException(ConnectionFailure.IdentityError, $"signing error: {e.Message}", e);
        }
    }
}
