using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using Redirection;

namespace Node.Bench.Pods;

/// <summary>
/// A pod of its own that dials the proxy every 2 ms and waits until it is turned away, which is the whole way of a connection
/// that was never redirected: accepted, judged, logged, closed. Whatever stops the proxy shows in the longest.
/// </summary>
internal sealed class ConnectionWitness : IAsyncDisposable
{
    private static readonly IPEndPoint Outbound = new(IPAddress.Loopback, 15001);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(2);

    private readonly SafeFileHandle _handle = BareNetns.Create(1)[0];
    private readonly Netns _netns;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private List<double> _times = [];
    private Task _running = Task.CompletedTask;

    /// <summary>Makes the pod's namespace.</summary>
    public ConnectionWitness() => _netns = Netns.FromHandle(
        File.OpenHandle($"/proc/self/fd/{_handle.DangerousGetHandle()}"), "witness");

    /// <summary>To enrol.</summary>
    public SafeFileHandle Handle => _handle;

    /// <summary>Begins, once it is enrolled.</summary>
    public void Start() => _running = Task.Run(RunAsync);

    /// <summary>Forgets what was seen.</summary>
    public void Begin() => Take();

    /// <summary>What was seen since.</summary>
    public string Report() => Describe(Take());

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _netns.Dispose();
        _handle.Dispose();
        _stop.Dispose();
    }

    private static string Describe(List<double> times)
    {
        times.Sort();
        return times.Count == 0 ? "none" : string.Create(
            CultureInfo.InvariantCulture,
            $"{times.Count}, median {times[times.Count / 2]:0.00} ms, p99 {times[times.Count * 99 / 100]:0.00} ms, "
            + $"longest {times[^1]:0.00} ms");
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                var started = Stopwatch.GetTimestamp();
                await DialAsync();
                lock (_gate)
                {
                    _times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Enough.
        }
    }

    private async Task DialAsync()
    {
        using var socket = _netns.CreateTcpSocket(AddressFamily.InterNetwork);
        await socket.ConnectAsync(Outbound, _stop.Token);
        try
        {
            while (await socket.ReceiveAsync(new byte[1], _stop.Token) > 0)
            {
                // Nothing is expected but the end.
            }
        }
        catch (SocketException)
        {
            // The end, too.
        }
    }

    private List<double> Take()
    {
        lock (_gate)
        {
            return Interlocked.Exchange(ref _times, []);
        }
    }
}
