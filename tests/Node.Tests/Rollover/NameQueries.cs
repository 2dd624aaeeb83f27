using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Redirection;
using Ztunnel.Demo;

namespace Node.Tests.Rollover;

/// <summary>DNS queries at a steady pace to the proxy of a pod, each by a socket of its own; keeps what went wrong.</summary>
internal sealed class NameQueries : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private readonly Pod _pod;
    private readonly IPEndPoint _server;
    private readonly byte[] _query;
    private readonly ConcurrentBag<string> _failures = [];
    private readonly List<Task> _all = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    /// <summary>Begins.</summary>
    /// <param name="pod">Whose applications ask.</param>
    /// <param name="server">Where the proxy answers.</param>
    /// <param name="name">A name of the mesh, asked for its IPv4 addresses.</param>
    /// <param name="interval">Time between two queries.</param>
    public NameQueries(Pod pod, IPEndPoint server, string name, TimeSpan interval)
    {
        _pod = pod;
        _server = server;
        _query =
        [
            0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0,
            .. name.Split('.').SelectMany(label => (byte[])[(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]),
            0, 0, 1, 0, 1,
        ];
        _running = RunAsync(interval);
    }

    /// <summary>Queries that were sent.</summary>
    public int Sent => _all.Count;

    /// <summary>What went wrong, one text for each query.</summary>
    public IReadOnlyCollection<string> Failures => _failures;

    /// <summary>Asks no more and waits for the last answer.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await Task.WhenAll(_all);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task RunAsync(TimeSpan interval)
    {
        using var netns = _pod.OpenNetns();
        using var timer = new PeriodicTimer(interval);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                _all.Add(AskAsync(DatagramSocket.Connect(_server, mark: null, netns)));
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Enough.
        }
    }

    private async Task AskAsync(Socket socket)
    {
        using var limit = new CancellationTokenSource(Limit);
        var sent = DateTime.UtcNow;
        using (socket)
        {
            try
            {
                var answer = new byte[512];
                await socket.SendAsync(_query, limit.Token);
                var length = await socket.ReceiveAsync(answer, limit.Token);
                if (length <= _query.Length || answer[7] == 0)
                {
                    _failures.Add($"sent at {sent:HH:mm:ss.fff}: no address in {length} bytes");
                }
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                _failures.Add($"sent at {sent:HH:mm:ss.fff}: {e.Message}");
            }
        }
    }
}
