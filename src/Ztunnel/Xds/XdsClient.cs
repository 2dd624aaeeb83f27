using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Control;
using Ztunnel.Mesh;
using Ztunnel.Protos.Discovery;
using Ztunnel.Xds.Decoding;

namespace Ztunnel.Xds;

/// <summary>
/// Keeps the mesh as the control plane says it is: one delta stream after the other, from <see cref="Start"/> until it is
/// disposed. What is known stays known while there is no stream.
/// </summary>
internal sealed class XdsClient : IAsyncDisposable
{
    // A first push is one message with the whole mesh; with small windows it would wait for the network round by round.
    private const int StreamWindow = 4 * 1024 * 1024;

    private readonly ProxyOptions _options;
    private readonly Uri _address;
    private readonly ControlPlaneHeaders _headers;
    private readonly XdsMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<XdsClient> _logger;
    private readonly Node _node;
    private readonly Subscriptions _subscriptions;
    private readonly ResponseDecoder _decoder;
    private readonly Backoff _backoff = new(Random.Shared);
#pragma warning disable CA2213 // see DisposeAsync
    private readonly CancellationTokenSource _stop = new();
#pragma warning restore CA2213
    private int _maxRequestBytes = InitialRequests.MaxRequestBytes;
    private string? _lastFailure;
    private Task _running = Task.CompletedTask;

    /// <param name="options">Needs <see cref="ProxyOptions.XdsAddress"/>.</param>
    /// <param name="mesh">What is kept.</param>
    /// <param name="metrics">Counts streams and messages.</param>
    /// <param name="time">Waits and time limits.</param>
    /// <param name="loggers">For this client.</param>
    /// <exception cref="ConfigurationException">The address is not https.</exception>
    public XdsClient(
        ProxyOptions options, MeshState mesh, XdsMetrics metrics, TimeProvider time, ILoggerFactory loggers)
    {
        _options = options;
        _address = options.XdsAddress ?? throw new ArgumentException("no address", nameof(options));
        if (_address.Scheme != Uri.UriSchemeHttps)
        {
            throw new ConfigurationException(
                "XDS_ADDRESS", $"unsupported scheme {_address.Scheme}: the control plane is only spoken to over https");
        }

        _headers = new ControlPlaneHeaders(options.AuthToken, options.ClusterId, options.Xds.Headers);
        _metrics = metrics;
        _time = time;
        _logger = loggers.CreateLogger<XdsClient>();
        _node = NodeDescription.Of(options);
        _subscriptions = new Subscriptions(mesh, options.XdsOnDemand, time, _logger);
        _decoder = new ResponseDecoder(_subscriptions);
        Demands = options.XdsOnDemand ? new Demands(time, options.XdsOnDemandTimeout) : null;
    }

    /// <summary>Completes when every type was received and acknowledged once; never fails.</summary>
    public Task FirstSync => _subscriptions.FirstSync;

    /// <summary>Null without on-demand mode.</summary>
    public Demands? Demands { get; }

    /// <summary>
    /// When the control plane last stood behind the mesh: now, while it is there and has answered for each type. Null when
    /// it never has.
    /// </summary>
    public DateTimeOffset? ConfirmedAt => _subscriptions.ConfirmedAt;

    /// <summary>
    /// The mesh holds these resources from an earlier process: the first stream names them, so that those are removed that
    /// are gone. Before <see cref="Start"/>.
    /// </summary>
    /// <param name="addresses">Names of workloads and services.</param>
    /// <param name="policies">Names of policies.</param>
    public void Resume(IEnumerable<string> addresses, IEnumerable<string> policies) =>
        _subscriptions.Resume(addresses, policies);

    /// <summary>Begins. Call once.</summary>
    public void Start() => _running = RunAsync(_stop.Token);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // Not disposed itself: cancelling twice is fine, and it has no timer.
        await _stop.CancelAsync();
        await _running;
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var (end, failure) = await RunStreamAsync(cancellationToken);
                _metrics.Terminated(end);
                var wait = _backoff.Next(end);
                Log(end, failure, wait);
                await Task.Delay(wait, _time, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    private async Task<(StreamEnd End, Exception? Failure)> RunStreamAsync(CancellationToken cancellationToken)
    {
        var pieces = new ResponsePieces();
        using var stream = new DiscoveryStream(_subscriptions, _decoder, pieces, Demands, _metrics, _logger)
        {
            Opened = LogOpened,
        };
        var requestBytes = 0;
        using var renewal = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            var headers = new Metadata();
            foreach (var (name, value) in await _headers.ReadAsync(cancellationToken))
            {
                headers.Add(name, value);
            }

            using var channel = OpenChannel(pieces);
            var requests = InitialRequests.Create(
                _node, _subscriptions, _options.XdsOnDemand, Demands?.Pending() ?? [], _maxRequestBytes, _logger);
            requestBytes = requests.Messages.Max(request => request.CalculateSize());
            var running = stream.RunAsync(channel.CreateCallInvoker(), headers, requests, renewal.Token);
            await StopWhenRenewalIsAskedAsync(running, renewal);
            await running;
            return (stream.IsOpen ? StreamEnd.Complete : StreamEnd.Error, null);
        }
        catch (OperationCanceledException)
            when (renewal.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return (StreamEnd.Complete, null);
        }
        catch (ControlPlaneException e)
        {
            return (StreamEnd.Error, e);
        }
        catch (RpcException e)
        {
            if (StreamFailure.IsRequestTooLarge(e))
            {
                _maxRequestBytes = Math.Min(_maxRequestBytes, requestBytes - 1);
            }

            return (StreamFailure.EndOf(e, stream.IsOpen), e);
        }
    }

    // One for each stream, so that the roots are those of the moment.
    private GrpcChannel OpenChannel(ResponsePieces pieces)
    {
        var roots = new ControlPlaneRoots(_options.Xds.RootCertificates);
        roots.Read(); // without roots there is nothing to connect with, and this says why
        var handler = ControlPlaneHandler.Create(_address, _options.Xds, roots, _options);
        handler.InitialHttp2StreamWindowSize = StreamWindow;
        handler.PooledConnectionLifetime = Timeout.InfiniteTimeSpan;
        return GrpcChannel.ForAddress(_address, new GrpcChannelOptions
        {
            HttpHandler = new PieceHandler(handler, pieces, StreamFailure.MaxReceivedBytes),
            DisposeHttpClient = true,
            MaxReceiveMessageSize = StreamFailure.MaxReceivedBytes,
            CompressionProviders = [],
        });
    }

    private async Task StopWhenRenewalIsAskedAsync(Task running, CancellationTokenSource renewal)
    {
        if (Demands is { } demands && await Task.WhenAny(running, demands.RenewalAsked) != running)
        {
            await renewal.CancelAsync();
        }
    }

    private void LogOpened()
    {
        _lastFailure = null;
        _logger.Connected(_address.ToString());
    }

    // A control plane that is away for an hour is one line, unless the reason changes.
    private void Log(StreamEnd end, Exception? failure, TimeSpan wait)
    {
        if (failure is null || end is StreamEnd.Reconnect)
        {
            _logger.StreamEnded(end, wait);
            return;
        }

        var reason = StreamFailure.Describe(failure);
        if (reason == _lastFailure)
        {
            _logger.StillDisconnected(_address.ToString(), reason, wait);
            return;
        }

        _lastFailure = reason;
        _logger.Disconnected(_address.ToString(), reason);
    }
}
