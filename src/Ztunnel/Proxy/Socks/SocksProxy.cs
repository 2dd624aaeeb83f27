using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Ztunnel.Dns;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy.Socks;

/// <summary>
/// Port 15080: applications that say where they want to go, by SOCKS 5 (RFC 1928). From there on they are served as those
/// whose connections are captured; the reply comes when their destination is reached.
/// </summary>
/// <param name="services">What all pods share.</param>
/// <param name="drain">When to stop.</param>
/// <param name="outbound">Where connections go on.</param>
/// <param name="names">Of the pod; null without DNS, where no name is anybody's.</param>
internal sealed class SocksProxy(ProxyServices services, Drain drain, OutboundProxy outbound, NameLookup? names)
{
    // Of one name; each has the time of a connect.
    private const int MaxAddresses = 4;

    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FarewellLimit = TimeSpan.FromSeconds(1);

    private readonly ILogger<SocksProxy> _logger = services.Loggers.CreateLogger<SocksProxy>();

    /// <summary>Takes one connection to its end. Owns the socket.</summary>
    public async Task ServeAsync(Socket socket)
    {
        services.Telemetry.Metrics.SocketOpened(Reporter.Source);
        try
        {
            if (Accepted.PeerOf(socket) is { } source)
            {
                await ServeAsync(socket, source);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Gone before the end of its handshake, or the drain is over.
        }
        finally
        {
            socket.Dispose();
            services.Telemetry.Metrics.SocketClosed(Reporter.Source);
        }
    }

    private async Task ServeAsync(Socket socket, IPEndPoint source)
    {
        var client = new SocksClient(socket);
        SocksReplyCode code;
        try
        {
            if (await DestinationsAsync(client) is not { } destinations)
            {
                return;
            }

            var failure = await TryAsync(socket, source, destinations, client);
            if (client.IsReplied || failure is null)
            {
                return;
            }

            code = SocksFailures.CodeOf(failure);
        }
        catch (SocksException e)
        {
            _logger.SocksFailed(source, e.Message);
            code = e.Code;
        }

        using var farewell = CancellationTokenSource.CreateLinkedTokenSource(drain.Forced);
        farewell.CancelAfter(FarewellLimit);
        await client.RefuseAsync(code, farewell.Token);
    }

    /// <summary>Null when the client has left; never empty.</summary>
    private async Task<IReadOnlyList<IPEndPoint>?> DestinationsAsync(SocksClient client)
    {
        using var timer = new CancellationTokenSource(HandshakeLimit, services.Time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, drain.Forced);
        try
        {
            if (await client.NegotiateAsync(limit.Token) is not { } target)
            {
                return null;
            }

            if (target.Address is { } address)
            {
                return [new IPEndPoint(address, target.Port)];
            }

            var found = names is null ? [] : await names.FindAsync(target.Hostname!, limit.Token);
            return found is []
                ? throw new SocksException(NotFound(target.Hostname!), SocksReplyCode.HostUnreachable)
                : [.. found.Take(MaxAddresses).Select(one => new IPEndPoint(one, target.Port))];
        }
        catch (OperationCanceledException) when (timer.IsCancellationRequested)
        {
            throw new SocksException(
                $"not done within {HandshakeLimit.TotalSeconds:0} s", SocksReplyCode.GeneralFailure);
        }
    }

    private string NotFound(string hostname) => names is null
        ? $"cannot resolve {hostname}: DNS is off (ISTIO_META_DNS_CAPTURE)"
        : $"dns response had no valid IP addresses for {hostname}";

    private async Task<ProxyException?> TryAsync(
        Socket socket, IPEndPoint source, IReadOnlyList<IPEndPoint> destinations, SocksClient client)
    {
        ProxyException? failure = null;
        foreach (var destination in destinations)
        {
            var latest = await outbound.ServeAsync(socket, source, destination, client);
            if (client.IsReplied || drain.Forced.IsCancellationRequested)
            {
                return latest;
            }

            failure = SocksFailures.Foremost(failure, latest);
        }

        return failure;
    }
}
