using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests.Rollover;

/// <summary>New connections at a steady pace out of a pod's namespace, each asked for an answer; keeps what went wrong.</summary>
internal sealed class NewConnections : IAsyncDisposable
{
    private const string Greeting = "hello world";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan OneSecond = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MostAtOnce = TimeSpan.FromSeconds(50);
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(20);

    private readonly Pod _from;
    private readonly IPEndPoint[] _to;
    private readonly ConcurrentBag<string> _failures = [];
    private readonly ConcurrentDictionary<Task, byte> _open = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private int _made;

    /// <summary>Begins.</summary>
    /// <param name="from">Whose namespace the sockets are made in.</param>
    /// <param name="to">Echoes that answer twice, taken in turns. Both ends of the proxy need a port for a minute and more after each
    /// connection, and a kernel that has few left for one destination takes milliseconds to find it.</param>
    /// <param name="perSecond">Connections begun in a second.</param>
    public NewConnections(Pod from, IEnumerable<IPEndPoint> to, int perSecond)
    {
        _from = from;
        _to = [.. to];
        _running = RunAsync(perSecond);
    }

    /// <summary>Connections that were begun.</summary>
    public int Made => Volatile.Read(ref _made);

    /// <summary>What went wrong, one text for each connection.</summary>
    public IReadOnlyCollection<string> Failures => _failures;

    /// <summary>Begins no more and waits for the last.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await Task.WhenAll(_open.Keys);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private void Fail(string how, Socket socket) => _failures.Add($"{DateTime.UtcNow:HH:mm:ss.fff} {socket.LocalEndPoint} {how}");

    private async Task RunAsync(int perSecond)
    {
        using var netns = _from.OpenNetns();
        using var timer = new PeriodicTimer(Turn);
        var last = TimeProvider.System.GetTimestamp();
        var due = TimeSpan.Zero; // of seconds times connections a second: one connection for each second
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                // After a pause of the machine no burst follows that no backlog takes.
                due += TimeProvider.System.GetElapsedTime(last) * perSecond;
                last = TimeProvider.System.GetTimestamp();
                due = due < MostAtOnce ? due : MostAtOnce;
                for (; due >= OneSecond; due -= OneSecond, _made++)
                {
                    var task = OneAsync(netns.CreateTcpSocket(_to[0].AddressFamily), _to[_made % _to.Length]);
                    _open.TryAdd(task, 0);
                    _ = task.ContinueWith(over => _open.TryRemove(over, out _), TaskScheduler.Default);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Enough.
        }
    }

    private async Task OneAsync(Socket socket, IPEndPoint to)
    {
        using var limit = new CancellationTokenSource(Limit);
        using (socket)
        {
            var step = "connect";
            try
            {
                await socket.ConnectAsync(to, limit.Token);
                step = "send";
                await socket.SendTextAsync(Greeting, limit.Token);
                socket.Shutdown(SocketShutdown.Send);
                step = "receive";
                var answer = await socket.ReceiveToEndAsync(limit.Token);
                if (answer != Greeting + Greeting)
                {
                    Fail($"answer cut after {answer.Length} characters", socket);
                }
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                Fail($"{step}: {e.Message}", socket);
            }
        }
    }
}
