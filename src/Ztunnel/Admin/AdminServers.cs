using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Ztunnel.Admin;

/// <summary>
/// The HTTP/1.1 servers for administration, metrics and readiness: one Kestrel without host, configuration, services
/// and routing around it, which would double the memory of an idle process. Started when made; stops when disposed.
/// </summary>
internal sealed class AdminServers : IAsyncDisposable, IHttpApplication<HttpContext>
{
    private const int MaxRequestHead = 8 * 1024;
    private const int MaxConnections = 1024;
    private static readonly TimeSpan RequestHeadTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(1);

    private readonly ILogger<AdminServers> _logger;
    private readonly AdminTransport _transport;
    private readonly KestrelServer _server;
    private readonly List<(IAdminRequestHandler Handler, ListenOptions Listener)> _listeners = [];

    private AdminServers(ILogger<AdminServers> logger, IEnumerable<(IAdminRequestHandler, IPEndPoint)> listeners)
    {
        _logger = logger;
        var options = new KestrelServerOptions { AddServerHeader = false };
        options.Limits.RequestHeadersTimeout = RequestHeadTimeout;
        options.Limits.KeepAliveTimeout = IdleTimeout;
        options.Limits.MaxRequestLineSize = MaxRequestHead;
        options.Limits.MaxRequestHeadersTotalSize = MaxRequestHead;
        options.Limits.MaxRequestBufferSize = 2 * MaxRequestHead;
        options.Limits.MaxConcurrentConnections = MaxConnections;
        foreach (var (handler, endPoint) in listeners)
        {
            options.Listen(endPoint, listener => Add(listener, handler));
        }

        _transport = new AdminTransport(logger);
        _server = new KestrelServer(Options.Create(options), _transport, NullLoggerFactory.Instance);
    }

    /// <summary>Listens on all ports.</summary>
    /// <exception cref="IOException">
    /// <c>failed to bind to address {addr}: {reason}</c>; none of the ports is open then.
    /// </exception>
    public static async Task<AdminServers> StartAsync(
        AdminServerOptions options, IAdminRequestHandler admin, IAdminRequestHandler stats,
        IAdminRequestHandler readiness, ILogger<AdminServers> logger, CancellationToken cancellationToken)
    {
        var everywhere = options.Ipv6Enabled && Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;
        List<(IAdminRequestHandler, IPEndPoint)> listeners =
        [
            (admin, new IPEndPoint(IPAddress.Loopback, options.AdminPort)),
            (stats, new IPEndPoint(everywhere, options.StatsPort)),
            (readiness, new IPEndPoint(everywhere, options.ReadinessPort)),
        ];
        if (options.Ipv6Enabled && HasIpv6Loopback())
        {
            listeners.Insert(1, (admin, new IPEndPoint(IPAddress.IPv6Loopback, options.AdminPort)));
        }

        var servers = new AdminServers(logger, listeners);
        try
        {
            await servers._server.StartAsync(servers, cancellationToken);
        }
        catch
        {
            servers._server.Dispose();
            servers._transport.Dispose();
            throw;
        }

        foreach (var (handler, listener) in servers._listeners)
        {
            logger.ListenerEstablished(listener.IPEndPoint!, handler.Component);
        }

        return servers;
    }

    /// <summary>Addresses on which a handler is reached.</summary>
    public IEnumerable<IPEndPoint> EndPointsOf(IAdminRequestHandler handler) =>
        _listeners.Where(l => l.Handler == handler).Select(l => l.Listener.IPEndPoint!);

    /// <summary>Stops listening and gives running requests a second.</summary>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(StopTimeout);
        await _server.StopAsync(limit.Token);
        _server.Dispose();
        _transport.Dispose();
    }

    /// <inheritdoc/>
    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    /// <inheritdoc/>
    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    /// <inheritdoc/>
    public async Task ProcessRequestAsync(HttpContext context)
    {
        var handler = context.Features.GetRequiredFeature<IAdminRequestHandler>();
        try
        {
            await handler.HandleAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone.
        }
        catch (Exception e)
        {
            _logger.RequestFailed(handler.Component, context.Request.Path.Value, e);
            if (context.Response.HasStarted)
            {
                context.Abort(); // never end half an answer as if it were whole
            }
            else
            {
                context.Response.Clear();
                await Answer.TextAsync(context, StatusCodes.Status500InternalServerError, e.Message);
            }
        }
    }

    private void Add(ListenOptions listener, IAdminRequestHandler handler)
    {
        listener.Protocols = HttpProtocols.Http1;
        listener.Use(next => connection =>
        {
            connection.Features.Set(handler);
            return next(connection);
        });
        _listeners.Add((handler, listener));
    }

    /// <summary>The kernel may know IPv6 and have it off in this namespace (<c>disable_ipv6</c>).</summary>
    private static bool HasIpv6Loopback()
    {
        if (!Socket.OSSupportsIPv6)
        {
            return false;
        }

        try
        {
            using var probe = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
