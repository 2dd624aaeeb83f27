using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Redirection;

namespace Ztunnel.InPod;

/// <summary>
/// Keeps a connection to istio-cni and has its requests done, one after the other. Whatever it sends, this process goes on:
/// what makes no sense is refused, and the connection begun anew.
/// </summary>
internal sealed class ZdsClient : IAsyncDisposable
{
    private const double Jitter = 0.2;
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(15);

    private readonly string _path;
    private readonly PodSet _pods;
    private readonly TimeProvider _time;
    private readonly ILogger<ZdsClient> _logger;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private TimeSpan _delay = FirstDelay;
    private string? _lastError; // why the last attempt to connect failed; null when it did not

    /// <summary>Creates a client that does nothing yet.</summary>
    /// <param name="path">Socket of istio-cni.</param>
    /// <param name="pods">Who does what it asks for.</param>
    /// <param name="time">Clock of the waits.</param>
    /// <param name="logger">Where refusals and ends go.</param>
    public ZdsClient(string path, PodSet pods, TimeProvider time, ILogger<ZdsClient> logger)
    {
        _path = path;
        _pods = pods;
        _time = time;
        _logger = logger;
        Metrics = new ZdsMetrics();
        pods.CompleteChanged += complete => _delay = complete ? FirstDelay : _delay;
    }

    /// <summary>What became of connections and requests.</summary>
    public ZdsMetrics Metrics { get; }

    /// <summary>Starts to connect.</summary>
    public void Start() => _running = Task.Run(RunAsync);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await RunOnceAsync();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The one normal way out.
        }
    }

    private async Task RunOnceAsync()
    {
        ZdsConnection connection;
        try
        {
            connection = await ZdsConnection.ConnectAsync(_path, _stop.Token);
        }
        catch (Exception e) when (e is SocketException or IOException or ArgumentException)
        {
            var delay = NextDelay();
            Metrics.NotConnected();
            LogNotConnected(delay, OsError.Describe(e));
            await Task.Delay(delay, _time, _stop.Token);
            return;
        }

        _lastError = null;
        string reason;
        using (connection)
        {
            try
            {
                reason = await ServeAsync(connection);
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                reason = OsError.Describe(e);
            }
            catch (Exception e) when (!_stop.IsCancellationRequested)
            {
                _logger.ClientFailedUnexpectedly(e);
                reason = e.Message; // a node without new pods would be worse than one more attempt
            }
            finally
            {
                _pods.EndConnection();
            }
        }

        Metrics.Disconnected();
        var wait = NextDelay();
        _logger.AgentGone(wait, reason);
        await Task.Delay(wait, _time, _stop.Token);
    }

    private async Task<string> ServeAsync(ZdsConnection connection)
    {
        connection.SayHello();
        _pods.BeginConnection();
        _logger.AgentConnected(_path);
        while (true)
        {
            ZdsRequest? request;
            try
            {
                // Away from the thread that polls sockets: what follows are system calls in another namespace.
                request = await connection.ReadAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            }
            catch (ZdsException e)
            {
                return Refuse(connection, $"failure to read message : {e.Message}");
            }

            if (request is null)
            {
                return "closed by the daemon";
            }

            Metrics.Received();
            try
            {
                Answer(connection, _pods.Apply(request));
            }
            catch (ZdsException e)
            {
                return Refuse(connection, $"failure to process message : {e.Message}");
            }
        }
    }

    private void Answer(ZdsConnection connection, string? failure)
    {
        if (failure is not null)
        {
            Metrics.Refused();
        }

        connection.Answer(failure);
    }

    private string Refuse(ZdsConnection connection, string text)
    {
        _logger.RequestRefused(text);
        Answer(connection, text);
        return text;
    }

    // An agent may be away for hours: one line for each cause.
    private void LogNotConnected(TimeSpan delay, string error)
    {
        if (error == _lastError)
        {
            _logger.StillNoAgent(_path, delay, error);
        }
        else
        {
            _logger.NoAgent(_path, error);
        }

        _lastError = error;
    }

    // Doubles until all pods are served once more; not the same on all nodes.
    private TimeSpan NextDelay()
    {
        var delay = _delay;
        _delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay;
        return delay * (1 - Jitter + (2 * Jitter * Random.Shared.NextDouble()));
    }
}
