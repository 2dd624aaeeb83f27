using System.Net;
using System.Net.Sockets;
using Redirection;

namespace Node.Tests.Dns;

/// <summary>Asks for <c>echo.ns1</c> again and again, each time from another port, and counts what stays unanswered.</summary>
internal sealed class Asker(Netns netns) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private static readonly byte[] Query =
    [
        0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0,
        4, .. "echo"u8, 3, .. "ns1"u8, 0, 0, 1, 0, 1,
    ];

    private readonly CancellationTokenSource _stop = new();
    private int _answers;

    /// <summary>Returns how many queries got no answer.</summary>
    public async Task<int> AskUntilStoppedAsync(CancellationToken cancellationToken)
    {
        var lost = 0;
        while (!_stop.IsCancellationRequested)
        {
            using var socket = netns.CreateUdpSocket(AddressFamily.InterNetwork);
            socket.Connect(new IPEndPoint(IPAddress.Loopback, 15053));
            await socket.SendAsync(Query, cancellationToken);
            try
            {
                await socket.ReceiveAsync(new byte[512], cancellationToken).AsTask().WaitAsync(Limit, cancellationToken);
                Interlocked.Increment(ref _answers);
            }
            catch (Exception e) when (e is TimeoutException or SocketException)
            {
                lost++;
            }
        }

        return lost;
    }

    /// <summary>Waits for so many more.</summary>
    public async Task WaitForAnswersAsync(int count, CancellationToken cancellationToken)
    {
        var wanted = Volatile.Read(ref _answers) + count;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (Volatile.Read(ref _answers) < wanted)
        {
            await Task.Delay(5, limit.Token);
        }
    }

    public void Stop() => _stop.Cancel();

    public void Dispose() => _stop.Dispose();
}
