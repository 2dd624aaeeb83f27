using System.Net;
using System.Net.Sockets;
using Redirection;

namespace Ztunnel.Control;

/// <summary>Makes TCP connections to a control plane server by name, trying its addresses in the resolver's order.</summary>
internal sealed class ControlPlaneConnector
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    private static readonly KeepaliveOptions Keepalive = new()
    {
        Time = TimeSpan.FromSeconds(300),
        Interval = TimeSpan.FromSeconds(75),
        Retries = 9,
    };

    private readonly UpstreamConnector _connector = new();
    private readonly UpstreamSocketOptions _options;

    /// <param name="mark"><c>SO_MARK</c> for a proxy inside a captured pod; null for none.</param>
    public ControlPlaneConnector(uint? mark) =>
        _options = new UpstreamSocketOptions { Mark = mark, Keepalive = Keepalive, ConnectTimeout = ConnectTimeout };

    /// <summary>The form that <see cref="SocketsHttpHandler.ConnectCallback"/> asks for.</summary>
    /// <exception cref="SocketException">No address answered; the error of the last.</exception>
    /// <exception cref="TimeoutException">The last address did not answer within 5 s.</exception>
    public async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = await System.Net.Dns.GetHostAddressesAsync(host, cancellationToken);
        for (var i = 0; ; i++)
        {
            if (i >= addresses.Length)
            {
                throw new SocketException((int)SocketError.HostNotFound);
            }

            try
            {
                var socket = await _connector.ConnectAsync(
                    new IPEndPoint(addresses[i], port), sourceToPreserve: null, _options, cancellationToken);
                return new PoolStream(new NetworkStream(socket, ownsSocket: true));
            }
            catch (Exception e) when (e is SocketException or TimeoutException && i < addresses.Length - 1)
            {
                // The next one.
            }
        }
    }
}
