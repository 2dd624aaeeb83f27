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
    ProxyServices services, LocalPod pod, Drain drain, Func<Func<Task>, bool> tryRun, bool preserveSource)
{
    private const int ServiceUnavailable = 503;
    private const string NotSigned = "signing error: ";

    private readonly ILogger<InboundProxy> _logger = services.Loggers.CreateLogger<InboundProxy>();
    private readonly InboundRequestHandler _requests = new(services, pod, drain, preserveSource);
    private readonly HboneEndpointOptions _endpoint = UpstreamSockets.EndpointFor(services, pod.Memory);
    private readonly PeerLimits _limits = new(
        services.Options.MaxHandshakesPerPeer, services.Options.MaxConnectionsPerPeer);

    /// <summary>Takes one peer's connection to its end. Owns the socket.</summary>
    public async Task ServeAsync(Socket socket)
    {
        services.Telemetry.Metrics.SocketOpened(Reporter.Destination);
        try
        {
            if (Accepted.PeerOf(socket) is { } source)
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
        if (!_limits.TryBeginHandshake(source.Address))
        {
            _logger.TooManyHandshakes(source, services.Options.MaxHandshakesPerPeer);
            socket.LingerState = new LingerOption(enable: true, seconds: 0); // RST: nothing of it was read
            return;
        }

        Http2Connection? secured;
        try
        {
            secured = await SecureAsync(socket, source, local);
        }
        finally
        {
            _limits.EndHandshake(source.Address);
        }

        if (secured is not null)
        {
            await ServeAsync(secured, source);
        }
    }

    private async Task ServeAsync(Http2Connection secured, IPEndPoint source)
    {
        await using var connection = secured;
        var identity = connection.PeerIds is [var first, ..] ? first : null;
        if (!_limits.TryAddConnection(source.Address, identity))
        {
            _logger.TooManyConnections(source, identity, services.Options.MaxConnectionsPerPeer);
            connection.Close(Http2ErrorCode.EnhanceYourCalm, "too many connections of this peer");
            return;
        }

        try
        {
            await ServeToEndAsync(connection);
        }
        finally
        {
            _limits.RemoveConnection(source.Address, identity);
        }

        if (connection.Failure is { Code: not (Http2ErrorCode.NoError or Http2ErrorCode.ConnectError) } failure)
        {
            _logger.PeerMisbehaved(source, identity, failure.Code, failure.Message);
        }
    }

    private async Task ServeToEndAsync(Http2Connection connection)
    {
        await using var started = drain.Started.UnsafeRegister(
            static c => ((Http2Connection)c!).Drain(), connection);
        await connection.Completion.WaitAsync(drain.Forced).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<Http2Connection?> SecureAsync(Socket socket, IPEndPoint source, IPEndPoint local)
    {
        try
        {
            var certificate = await CertificateAsync();
            services.Crl?.RetryIfMissing();
            return await HboneEndpoint.AcceptAsync(
                socket,
                certificate,
                _endpoint,
                request => Serve(request, source, local),
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

    private void Serve(ConnectRequest request, IPEndPoint source, IPEndPoint local)
    {
        if (!tryRun(() => _requests.ServeAsync(request, source, local)))
        {
            request.Refuse(ServiceUnavailable);
        }
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
                ConnectionFailure.IdentityError, $"{NotSigned}workload is unknown: {pod.Info}", e);
        }
        catch (IdentityException e)
        {
            // Some of what keeps a certificate from being signed says so itself.
            var text = e.Message.StartsWith(NotSigned, StringComparison.Ordinal) ? e.Message : NotSigned + e.Message;
            throw new ProxyException(ConnectionFailure.IdentityError, text, e);
        }
    }
}
