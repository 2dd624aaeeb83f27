using System.Net;
using System.Net.Sockets;
using Hbone.Proxying;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using Ztunnel.Policy;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>Port 15006: plain TCP that reaches the pod without a tunnel. Checked without an identity, then passed on.</summary>
internal sealed class InboundPassthrough(ProxyServices services, LocalPod pod, Drain drain, bool preserveSource)
{
    private readonly ILogger<InboundPassthrough> _logger = services.Loggers.CreateLogger<InboundPassthrough>();
    private readonly UpstreamConnector _connector = new(
        pod.Netns, services.Loggers.CreateLogger<InboundPassthrough>().SocketOptionMissing);
    private readonly UpstreamSocketOptions _socketOptions = UpstreamSockets.ForApplication(services.Options);

    /// <summary>Takes one connection to its end. Owns the socket.</summary>
    public async Task ServeAsync(Socket socket)
    {
        services.Telemetry.Metrics.SocketOpened(Reporter.Destination);
        try
        {
            if (Accepted.PeerOf(socket) is { } source)
            {
                await ServeAsync(socket, source);
            }
        }
        finally
        {
            socket.Dispose();
            services.Telemetry.Metrics.SocketClosed(Reporter.Destination);
        }
    }

    private async Task ServeAsync(Socket socket, IPEndPoint source)
    {
        var destination = Accepted.OriginalDestinationOf(socket, _logger);
        var caller = new NetworkAddress(services.Options.Network, source.Address);
        Workload workload;
        MeshSnapshot snapshot;
        try
        {
            if (services.Options.IsIllegalPort((ushort)destination.Port))
            {
                throw new ProxyException(ConnectionFailure.Connect, "attempted recursive call to ourselves");
            }

            workload = await pod.WorkloadAsync(drain.Forced);
            snapshot = await services.OnDemand.WithCallerAsync(workload, caller, drain.Forced);
        }
        catch (ProxyException e)
        {
            services.Telemetry.Refuse(Reporter.Destination, source, destination, e);
            return;
        }
        catch (OperationCanceledException) when (drain.Forced.IsCancellationRequested)
        {
            return;
        }

        using var live = services.Live.Register(
            pod.Info, workload, new PolicyInput(source, destination, Identity: null), drain.Forced);
        using var telemetry = services.Telemetry.Open(new ConnectionFacts
        {
            Reporter = Reporter.Destination,
            SourceAddress = source,
            Source = snapshot.FindWorkload(caller),
            DestinationAddress = destination,
            ApplicationAddress = destination,
            Destination = workload,
            DestinationService = InboundRoute.FindDestinationService(
                InboundRouter.ServicesOf(snapshot, workload), forwardedHost: null, workload, (ushort)destination.Port),
        }, pod.Connections);
        var error = await services.Authorization.RefusalAsync(live);
        if (error is null)
        {
            error = await PassAsync(socket, source, destination, live, telemetry);
            error = live.IsClosed ? LiveConnection.NoLongerAllowed() : error;
        }

        telemetry.Close(drain.Forced.IsCancellationRequested && !live.IsClosed ? Accepted.Drained() : error);
    }

    private async Task<ProxyException?> PassAsync(
        Socket socket, IPEndPoint source, IPEndPoint destination, LiveConnection live, ConnectionTelemetry telemetry)
    {
        Socket application;
        try
        {
            application = await _connector.ConnectAsync(
                destination, preserveSource ? source.Address : null, _socketOptions, live.Ended);
        }
        catch (Exception e) when (e is SocketException or TimeoutException or IOException)
        {
            return new ProxyException(ConnectionFailure.Connect, $"connection failed: {OutboundErrors.Io(e)}", e);
        }
        catch (OperationCanceledException) when (live.Ended.IsCancellationRequested)
        {
            return Accepted.Drained();
        }

        await using var atEnd = live.CloseAtEnd(application);
        await using var clientAtEnd = live.CloseAtEnd(socket);
        return CopyErrors.From(await SocketCopy.RunAsync(
            socket, application, telemetry, pod.Memory, services.Pipes));
    }
}
