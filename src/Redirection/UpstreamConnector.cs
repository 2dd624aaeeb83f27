using System.Net;
using System.Net.Sockets;

namespace Redirection;

/// <summary>
/// Connects to upstreams out of one namespace, with the source address of the downstream where that is asked for.
/// Any number of connections may be made at once.
/// </summary>
/// <param name="netns">Namespace of the connections, lent; null for the process's own.</param>
/// <param name="warn">Told when a source address could not be preserved; the connection is then made without.</param>
public sealed class UpstreamConnector(Netns? netns = null, Action<string>? warn = null)
{
    // Ports of our own choice that are tried before the kernel chooses: if half of them were in use, one in 256 would come to that.
    private const int MostPortsTried = 8;

    private SourcePorts? _ports;

    /// <summary>Connects. The caller owns the socket; nothing is left open on failure.</summary>
    /// <param name="destination">Where to; an IPv4 socket for IPv4, mapped or not, an IPv6 socket for IPv6.</param>
    /// <param name="sourceToPreserve">
    /// Address the upstream shall see as its peer; null leaves it to the kernel, and so does an address equal to the
    /// destination's, because a connection from and to one address would not come back to us.
    /// </param>
    /// <param name="options">What the connection shares with all others.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SocketException">The upstream refused or cannot be reached.</exception>
    /// <exception cref="TimeoutException">The limit of the options has passed: <c>deadline has elapsed</c>.</exception>
    /// <exception cref="IOException">The namespace cannot be entered, or the mark cannot be set.</exception>
    public async ValueTask<Socket> ConnectAsync(
        IPEndPoint destination,
        IPAddress? sourceToPreserve,
        UpstreamSocketOptions options,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.ConnectTimeout);
        var target = destination.Unmapped();
        var source = sourceToPreserve?.Unmapped() is { } address && !address.Equals(target.Address) ? address : null;
        try
        {
            for (var tries = 0; source is not null && tries < MostPortsTried; tries++)
            {
                try
                {
                    return await ConnectAsync(target, source, choosesPort: true, options, limit.Token);
                }
                catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressNotAvailable)
                {
                    // The port is in use for this destination.
                }
            }

            return await ConnectAsync(target, source, choosesPort: false, options, limit.Token);
        }
        catch (OperationCanceledException)
            when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException("deadline has elapsed");
        }
    }

    private async ValueTask<Socket> ConnectAsync(
        IPEndPoint target, IPAddress? source, bool choosesPort, UpstreamSocketOptions options, CancellationToken cancellationToken)
    {
        var family = target.AddressFamily;
        var socket = netns is null ? Netns.NewTcpSocket(family) : netns.CreateTcpSocket(family);
        var connected = false;
        try
        {
            Prepare(socket, options);
            if (source is not null)
            {
                PreserveSource(socket, source, choosesPort);
            }

            await socket.ConnectAsync(target, cancellationToken);
            connected = true;
            return socket;
        }
        finally
        {
            if (!connected)
            {
                socket.Dispose();
            }
        }
    }

    private static void Prepare(Socket socket, UpstreamSocketOptions options)
    {
        socket.NoDelay = true;
        socket.SetKeepalive(options.Keepalive);
        if (options.IsLoopbackHop)
        {
            LoopbackHop.Tune(socket);
        }

        if (options.Mark is { } mark and not 0 && !socket.TrySetMark(mark, out var error))
        {
            throw error.ToException($"failed to set SO_MARK {mark} on an outgoing socket");
        }
    }

    private void PreserveSource(Socket socket, IPAddress source, bool choosesPort)
    {
        if (!socket.TrySetForeignSource(out var error))
        {
            warn?.Invoke($"failed to set freebind: {error}");
            return;
        }

        // Without it the bind below works as well, but for fewer connections at a time, and takes the other parity of ports anyway.
        if (socket.TrySetBindAddressNoPort(out _) && choosesPort && Ports().TryNext(out var port))
        {
            _ = socket.TrySetLocalPort(port, out _);
        }

        try
        {
            socket.Bind(new IPEndPoint(source, 0));
        }
        catch (SocketException exception)
        {
            warn?.Invoke($"failed to bind local addr: {OsError.Describe(exception)}");
        }
    }

    // Read once: a pod's range is set before its first process.
    private SourcePorts Ports() =>
        _ports ??= netns is null ? SourcePorts.OfNamespace() : netns.Run(SourcePorts.OfNamespace);
}
