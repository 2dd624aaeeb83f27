using System.Diagnostics;
using System.Net;
using Node.Bench.Load;

namespace Mesh.Scale.Load;

/// <summary>
/// A steady load, so that delays show and not throughput: new connections at a fixed rate, each for one round trip, and
/// streams that stay, with a round trip every few milliseconds. Blocking threads. Background: they end with the process.
/// </summary>
internal sealed class PacedLoad(IPEndPoint target, int connectionsPerSecond, int streams)
{
    private const int Connectors = 16;
    private const int ConnectionBytes = 64;
    private const int StreamBytes = 16 * 1024;

    private static readonly TimeSpan StreamInterval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>From the moment a connection was due until its payload was back.</summary>
    public Delays Connections { get; } = new();

    /// <summary>The same of a round trip on a stream.</summary>
    public Delays Trips { get; } = new();

    public void Start()
    {
        var interval = TimeSpan.FromSeconds((double)Connectors / connectionsPerSecond);
        for (var i = 0; i < Connectors; i++)
        {
            Start(interval, interval * i / Connectors, Connections, Connect);
        }

        for (var i = 0; i < streams; i++)
        {
            var client = EchoClient.Connect(target, StreamBytes, Limit);
            Start(StreamInterval, StreamInterval * i / streams, Trips, client.RoundTrip);
        }
    }

    private static void Start(TimeSpan interval, TimeSpan offset, Delays delays, Action action)
    {
        var thread = new Thread(() => Run(interval, offset, delays, action)) { IsBackground = true };
        thread.Start();
    }

    private static void Run(TimeSpan interval, TimeSpan offset, Delays delays, Action action)
    {
        var step = (long)(interval.TotalSeconds * Stopwatch.Frequency);
        var due = Stopwatch.GetTimestamp() + (long)(offset.TotalSeconds * Stopwatch.Frequency);
        while (true)
        {
            due += step;
            var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
            var began = due; // late because of the one before: that wait counts
            if (wait > TimeSpan.Zero)
            {
                Thread.Sleep(wait);
                began = Stopwatch.GetTimestamp(); // late because of our own timer: that does not
            }

            try
            {
                action();
                delays.Add(Stopwatch.GetTimestamp() - began);
            }
            catch (Exception e) when (Failures.Concerns(e))
            {
                delays.AddFailure();
            }
        }
    }

    private void Connect()
    {
        using var client = EchoClient.Connect(target, ConnectionBytes, Limit);
        client.RoundTrip();
    }
}
