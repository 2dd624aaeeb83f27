using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Ztunnel.Admin;

/// <summary>Kestrel's sockets, with bind errors that say which address and why.</summary>
internal sealed class AdminTransport : IConnectionListenerFactory
{
    // Few and small requests: no queues of its own beside the thread pool's.
    private readonly SocketTransportFactory _sockets = new(
        Options.Create(new SocketTransportOptions { IOQueueCount = 0 }), NullLoggerFactory.Instance);

    /// <inheritdoc/>
    public async ValueTask<IConnectionListener> BindAsync(
        EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        try
        {
            return await _sockets.BindAsync(endpoint, cancellationToken);
        }
        catch (AddressInUseException e) when (e.InnerException is SocketException cause)
        {
            throw Describe(endpoint, cause);
        }
        catch (SocketException cause)
        {
            throw Describe(endpoint, cause);
        }
    }

    private static IOException Describe(EndPoint endpoint, SocketException cause) =>
        new($"failed to bind to address {endpoint}: {cause.Message} (os error {cause.NativeErrorCode})", cause);
}
